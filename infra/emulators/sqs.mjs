// An SQS in memory, on a free loopback port. Prints its URL once it listens
// and ends with its standard input. fauxqs's own command listens on every
// address.
import { buildApp } from "fauxqs";

const app = buildApp({ logger: false });
console.log(await app.listen({ host: "127.0.0.1", port: 0 }));
process.stdin.on("end", () => process.exit()).resume();
