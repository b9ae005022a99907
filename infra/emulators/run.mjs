// Starts the emulators, runs the command it is given and ends with that
// command's exit status.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

const here = import.meta.dirname;
const dynamoDB = path.join(here, "node_modules/amplify-dynamodb-simulator/emulator");
const patience = 60_000; // milliseconds for an emulator to listen

// start returns the URL that an emulator prints when it listens. Each one
// ends with its standard input, a pipe from this process: so it ends when this
// process does, kill -9 included.
async function start(program, ...args) {
  const emulator = spawn(program, args, { cwd: here, detached: true, stdio: ["pipe", "pipe", "inherit"] });
  emulator.unref();
  const listening = new Promise((resolve, reject) => {
    createInterface({ input: emulator.stdout }).once("line", resolve);
    emulator.once("error", reject);
    emulator.once("exit", (code) => reject(new Error(`${args.at(-1)} ended with ${code} before it listened`)));
    setTimeout(() => reject(new Error(`${args.at(-1)} does not listen after ${patience} ms`)), patience).unref();
  });
  return listening;
}

async function run([program, ...args], environment) {
  const command = spawn(program, args, { stdio: "inherit", env: { ...process.env, ...environment } });
  process.on("SIGINT", () => {}); // the terminal tells the command too
  process.on("SIGTERM", () => command.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    command.once("error", reject);
    command.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

try {
  const [sqs, dynamo] = await Promise.all([
    start(process.execPath, "--no-warnings", "sqs.mjs"),
    start("java", `-Djava.library.path=${dynamoDB}/DynamoDBLocal_lib`, "-cp", `${dynamoDB}/DynamoDBLocal.jar`, "DynamoDB.java"),
  ]);
  process.exit(await run(process.argv.slice(2), {
    SQS_EMULATOR_URL: sqs,
    DYNAMODB_EMULATOR_URL: dynamo,
    EMULATORS_DIR: here,
  }));
} catch (error) {
  console.error(`infra/emulators/run: ${error.message}`);
  process.exit(1);
}
