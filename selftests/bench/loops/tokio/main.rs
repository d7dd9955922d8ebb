// SPDX-License-Identifier: MIT

//! Tokio as a driver (../driver.h), on its runtime of one thread.

use std::future::Future;
use std::io::{BufRead, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::time::Sleep;

const YIELDS: u32 = 1000;
const LATEST_NS: u32 = 200_000_000;

fn report(name: &str, ns: u128, operations: usize) {
    println!("{name} {ns} {operations}");
}

fn stop(started: Instant, name: &str, operations: usize) -> u128 {
    let took = started.elapsed().as_nanos();
    report(name, took, operations);
    took
}

fn timer(i: usize) -> Duration {
    let drawn = (i as u32).wrapping_mul(2654435761);
    Duration::from_nanos((1_000_000 + drawn % (LATEST_NS - 1_000_000)).into())
}

fn wait_until_due() {
    std::thread::sleep(Duration::from_nanos((LATEST_NS + 2_000_000).into()));
}

fn anon_bytes() -> u128 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u128>().unwrap() * 1024
}

/// Waits for all tasks, the first one first.
async fn join_all(tasks: Vec<tokio::task::JoinHandle<()>>) {
    for task in tasks {
        task.await.unwrap();
    }
}

/// A channel of which each task has an end: Tokio's own benchmarks count down.
async fn all_done(mut all: tokio::sync::mpsc::Receiver<()>) {
    assert!(all.recv().await.is_none());
}

async fn spawn_many(n: usize) {
    let started = Instant::now();
    let (end, all) = tokio::sync::mpsc::channel(1);
    for _ in 0..n {
        let end = end.clone();
        tokio::spawn(async move { drop(end) });
    }
    drop(end);
    all_done(all).await;
    stop(started, "spawn_many", n);
}

async fn yield_many(n: usize) {
    let started = Instant::now();
    let tasks = (0..n)
        .map(|_| {
            tokio::spawn(async {
                for _ in 0..YIELDS {
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    join_all(tasks).await;
    stop(started, "yield_many", n * YIELDS as usize);
}

async fn ping_pong(n: usize) {
    let started = Instant::now();
    let (end, all) = tokio::sync::mpsc::channel(1);
    for _ in 0..n {
        let end = end.clone();
        tokio::spawn(async move {
            let (there, there_rx) = oneshot::channel();
            let (back, back_rx) = oneshot::channel();
            tokio::spawn(async move {
                there_rx.await.unwrap();
                back.send(()).unwrap();
            });
            there.send(()).unwrap();
            back_rx.await.unwrap();
            drop(end);
        });
    }
    drop(end);
    all_done(all).await;
    stop(started, "ping_pong", n);
}

fn chain(left: usize, done: oneshot::Sender<()>) {
    tokio::spawn(async move {
        if left == 0 {
            done.send(()).unwrap();
        } else {
            chain(left - 1, done);
        }
    });
}

async fn chained_spawn(n: usize) {
    let started = Instant::now();
    let (done, end) = oneshot::channel();
    chain(n - 1, done);
    end.await.unwrap();
    stop(started, "chained_spawn", n);
}

/// Arms all timers in its one poll.
struct Arm {
    sleeps: Vec<Pin<Box<Sleep>>>,
    n: usize,
}

impl Future for Arm {
    type Output = u128;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<u128> {
        let started = Instant::now();
        for i in 0..self.n {
            let mut sleep = Box::pin(tokio::time::sleep(timer(i)));
            let _ = sleep.as_mut().poll(cx);
            self.sleeps.push(sleep);
        }
        Poll::Ready(stop(started, "timers_arm", self.n))
    }
}

async fn arm(n: usize) -> u128 {
    let mut arm = Arm { sleeps: Vec::with_capacity(n), n };
    let took = Pin::new(&mut arm).await;
    let started = Instant::now();
    drop(arm);
    took + stop(started, "timers_cancel", n)
}

/// A task for each, all of them polled once before the first one comes.
async fn expire(n: usize) -> Option<u128> {
    let ahead = Duration::from_micros(2000 + n as u64 * 10);
    let from = tokio::time::Instant::now() + ahead;
    let tasks = (0..n).map(|i| tokio::spawn(tokio::time::sleep_until(from + timer(i)))).collect();
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
    if from <= tokio::time::Instant::now() {
        return None;
    }
    std::thread::sleep(from - tokio::time::Instant::now());
    wait_until_due();
    let started = Instant::now();
    join_all(tasks).await;
    Some(stop(started, "timers_expire", n))
}

async fn timers(n: usize) {
    let took = arm(n).await;
    if let Some(more) = expire(n).await {
        report("timers", took + more, n);
    }
}

async fn million_timers(n: usize) {
    let started = Instant::now();
    let each = LATEST_NS as u64 / n as u64;
    let tasks = (0..n).map(|i| tokio::spawn(tokio::time::sleep(Duration::from_nanos(i as u64 * each)))).collect();
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
    let mut took = stop(started, "million_timers_arm", n);
    wait_until_due();
    let started = Instant::now();
    join_all(tasks).await;
    took += stop(started, "million_timers_expire", n);
    report("million_timers", took, n);
}

async fn sleepers(n: usize) {
    let before = anon_bytes();
    for _ in 0..n {
        tokio::spawn(tokio::time::sleep(Duration::from_secs(3600)));
    }
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
    report("sleepers", anon_bytes() - before, n);
}

async fn serve(mut stream: TcpStream) {
    let mut bytes = [0; 4096];
    while let Ok(n) = stream.read(&mut bytes).await {
        if n == 0 || stream.write_all(&bytes[..n]).await.is_err() {
            break;
        }
    }
}

async fn echo(_: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("port {} 1\n.", listener.local_addr().unwrap().port());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(serve(stream));
    }
}

fn run(runtime: &Runtime, name: &str, x: usize) {
    match name {
        "million_timers" => runtime.block_on(million_timers(x)),
        "timers" => runtime.block_on(timers(x)),
        "sleepers" => runtime.block_on(sleepers(x)),
        "spawn_many" => runtime.block_on(spawn_many(x)),
        "yield_many" => runtime.block_on(yield_many(x)),
        "ping_pong" => runtime.block_on(ping_pong(x)),
        "chained_spawn" => runtime.block_on(chained_spawn(x)),
        "echo_loop" => runtime.block_on(echo(x)),
        _ => (),
    }
}

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (name, x) = line.split_once(' ').unwrap();
        run(&runtime, name, x.parse().unwrap());
        println!(".");
        std::io::stdout().flush().unwrap();
    }
}
