// SPDX-License-Identifier: MIT
//
// An HTTP server on Node.js, with a path for each way in which Node learns that something has happened: sockets, timers,
// the thread pool, a child process, signals.
//
//   node http.js PORT FILE

'use strict';

const http = require('http');
const fs = require('fs');
const { execFile } = require('child_process');

const [port, file] = process.argv.slice(2);
const greeting = Buffer.from('hello from node\n');

function collect(request, done) {
	const parts = [];

	request.on('data', (part) => parts.push(part));
	request.on('end', () => done(Buffer.concat(parts)));
}

function answer(response, body) {
	response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
	response.end(body);
}

const paths = {
	'/': (request, response) => answer(response, greeting),
	'/large': (request, response) => answer(response, Buffer.alloc(300000, 'node')),
	'/echo': (request, response) => collect(request, (body) => answer(response, body)),
	'/timer': (request, response) => setTimeout(() => answer(response, greeting), 30),
	'/file': (request, response) => fs.createReadStream(file).pipe(response),
	'/child': (request, response) => execFile('/bin/echo', ['from', 'a', 'child'], (error, out) => answer(response, Buffer.from(out))),
};

const server = http.createServer((request, response) => {
	const path = paths[request.url];

	if (path)
		return path(request, response);
	response.writeHead(404, { 'Content-Length': 0 });
	response.end();
});

// What has been asked is answered; then the process has nothing left to do, and ends.
process.on('SIGTERM', () => {
	server.close();
	server.closeIdleConnections();
	setInterval(() => server.closeIdleConnections(), 50).unref();
});

server.keepAliveTimeout = 60000;
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
