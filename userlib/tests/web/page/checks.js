// SPDX-License-Identifier: MIT
/*
 * What a browser got from the server, judged in the browser. The verdict is in the page: "passed N", or what failed.
 *
 * The test puts number/0 to number/39 beside this file, each with its number in it as often as it says, and big, whose
 * byte at i is i % 251.
 */
"use strict";

const FILES = 40;
const SIZE = 1 << 20;
let passed = 0;

function check(what, got, wanted) {
	if (got !== wanted)
		throw new Error(`${what}: ${got} instead of ${wanted}`);
	passed++;
}

function ask(path, options) {
	return fetch(path, { cache: "no-store", ...options });
}

async function bytes(response) {
	return new Uint8Array(await response.arrayBuffer());
}

function isPattern(data, first) {
	return data.every((byte, i) => byte === (first + i) % 251);
}

async function checkStyle() {
	const style = getComputedStyle(document.getElementById("styled"));

	check("color", style.color, "rgb(1, 2, 3)");
	check("width", style.width, "123px");
}

async function checkImage(name) {
	const image = document.getElementById(name);

	await image.decode();
	check("image", `${image.naturalWidth}x${image.naturalHeight}`, "37x41");
}

async function checkNumber(number) {
	const response = await ask(`number/${number}`);

	check("status", response.status, 200);
	check("number", await response.text(), `${number} `.repeat(number));
}

async function checkWhole() {
	const data = await bytes(await ask("big"));

	check("size", data.length, SIZE);
	check("all", isPattern(data, 0), true);
}

async function checkRange(range, first, count) {
	const response = await ask("big", { headers: { Range: `bytes=${range}` } });
	const data = await bytes(response);

	check("status", response.status, 206);
	check("range", response.headers.get("Content-Range"), `bytes ${first}-${first + count - 1}/${SIZE}`);
	check("size", data.length, count);
	check("part", isPattern(data, first), true);
}

async function checkStatus(path, options, status) {
	check(path, (await ask(path, options)).status, status);
}

async function checkHead() {
	const response = await ask("big", { method: "HEAD" });

	check("length", response.headers.get("Content-Length"), String(SIZE));
	check("no body", (await bytes(response)).length, 0);
}

async function checkAbort() {
	const stop = new AbortController();
	const response = await ask("big", { signal: stop.signal });

	stop.abort();
	check("abort", await response.arrayBuffer().catch((error) => error.name), "AbortError");
}

async function checkAll() {
	const parts = [
		checkStyle(), checkImage("first"), checkImage("second"), checkWhole(), checkHead(), checkAbort(),
		checkRange("10-19", 10, 10), checkRange("1000000-", 1000000, SIZE - 1000000), checkRange("-7", SIZE - 7, 7),
		checkStatus("nothing", {}, 404), checkStatus("big", { headers: { Range: `bytes=${SIZE}-` } }, 416),
		checkStatus("index.html", { method: "POST", body: "x".repeat(1 << 16) }, 405),
	];

	for (let number = 0; number < FILES; number++)
		parts.push(checkNumber(number));
	await Promise.all(parts);
	return `passed ${passed}`;
}

addEventListener("load", async () => {
	document.getElementById("verdict").textContent = await checkAll().catch((error) => String(error));
});
