#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A server of lines on asyncio: echo.py PORT

A line comes back as it is, but for those that ask for one of the other ways in which an event loop learns that
something has happened: a timer, a thread, a child process. On SIGTERM what has been read is answered, and it ends.
"""
import asyncio
import signal
import sys

LONGEST = 1 << 20


def in_a_thread(line):
    return line[::-1].strip() + b"\n"


async def answer_to(line):
    if line == b"timer\n":
        await asyncio.sleep(0.03)
    elif line == b"thread\n":
        return await asyncio.get_running_loop().run_in_executor(None, in_a_thread, line)
    elif line == b"child\n":
        child = await asyncio.create_subprocess_exec("/bin/echo", "from a child", stdout=asyncio.subprocess.PIPE)
        out, _ = await child.communicate()
        return out
    return line


async def main():
    stop = asyncio.Event()
    busy, clients = set(), set()

    async def serve(reader, writer):
        task = asyncio.current_task()
        clients.add(task)
        try:
            while not stop.is_set():
                line = await reader.readline()
                if not line:
                    break
                busy.add(task)
                writer.write(await answer_to(line))
                await writer.drain()
                busy.discard(task)
        except ConnectionError:
            pass
        finally:
            busy.discard(task)
            clients.discard(task)
            writer.close()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=4096, limit=LONGEST)
    await stop.wait()
    server.close()
    if busy:
        await asyncio.wait(set(busy), timeout=5)
    for task in set(clients):
        task.cancel()
    await asyncio.gather(*clients, return_exceptions=True)


asyncio.run(main())
