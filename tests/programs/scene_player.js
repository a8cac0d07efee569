/* Plays scenes on fake pages, one after the other, in one process of node. Reads a line of JSON for each:
   {page, script, scene}, and writes a line: {seen} or {failed}.

   A fake page is a program of its own: it reads its scene from standard input, runs the script in a context of its own
   and writes what was seen. Here it gets this scene as its input, and what it writes is the answer. */
"use strict";
const fs = require("fs");
const readline = require("readline");

const LONGEST = 60_000; // milliseconds
let fail = (error) => { throw error; };
process.on("unhandledRejection", (error) => fail(error));
process.on("uncaughtException", (error) => fail(error));

function play({ page, script, scene }) {
  return new Promise((resolve, reject) => {
    fail = reject;
    setTimeout(() => reject(new Error("the page wrote nothing")), LONGEST).unref();
    const input = { ...fs, readFileSync: (file, ...how) => (file === 0 ? JSON.stringify(scene) : fs.readFileSync(file, ...how)) };
    const own = { argv: [process.argv[0], page, script], stdout: { write: (text) => resolve(JSON.parse(text)) } };
    const program = new Function("require", "process", fs.readFileSync(page, "utf8"));
    program((name) => (name === "fs" ? input : require(name)), own);
  });
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const answer = await play(JSON.parse(line)).then((seen) => ({ seen }), (error) => ({ failed: String((error && error.stack) || error) }));
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
}
main();
