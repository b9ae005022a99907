// A SCIM 2.0 server that nobody here wrote: SCIMMY, with its users in memory.
// Serves /scim/v2 on 127.0.0.1, at PORT or a free port, takes any bearer
// token, prints its URL once it listens and ends with its standard input.
import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const users = new Map();
const sameName = (a, b) => a.toLowerCase() === b.toLowerCase(); // userName is not caseExact: RFC 7643 section 4.1.1
const missing = (id) => new SCIMMY.Types.Error(404, null, `no user ${id}`);

function write(resource, { userName, ...rest }) {
  if (resource.id && !users.has(resource.id)) throw missing(resource.id);
  const id = resource.id ?? randomUUID();
  for (const other of users.values()) {
    // RFC 7644 section 3.3: 409 with scimType uniqueness.
    if (other.id !== id && sameName(other.userName, userName)) {
      throw new SCIMMY.Types.Error(409, "uniqueness", `userName ${userName} is taken`);
    }
  }
  const now = new Date();
  const created = users.get(id)?.meta.created ?? now;
  const user = { ...JSON.parse(JSON.stringify(rest)), id, userName, meta: { created, lastModified: now } };
  users.set(id, user);
  return user;
}

function read({ id, filter }) {
  if (id) {
    if (!users.has(id)) throw missing(id);
    return users.get(id);
  }
  const all = [...users.values()];
  const [operator, name] = (filter?.length === 1 && filter[0].userName) || [];
  if (operator === "eq") return all.filter((user) => sameName(user.userName, name));
  return filter ? filter.match(all) : all;
}

SCIMMY.Resources.declare(SCIMMY.Resources.User)
  .ingress(write)
  .egress(read)
  .degress(({ id }) => {
    if (!users.delete(id)) throw missing(id);
  });

const server = express()
  .use("/scim/v2", new SCIMMYRouters({ type: "bearer", handler: () => "anyone" }))
  .listen(process.env.PORT ?? 0, "127.0.0.1", () => {
    console.log(`http://127.0.0.1:${server.address().port}/scim/v2`);
  });
process.stdin.on("end", () => process.exit()).resume();
