// A SCIM 2.0 server that nobody here wrote: SCIMMY, with its users and groups
// in memory.
// Serves /scim/v2 on 127.0.0.1, at PORT or a free port, takes any bearer
// token, prints its URL once it listens and ends with its standard input.
import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const users = new Map();
const groups = new Map();
const sameName = (a, b) => a.toLowerCase() === b.toLowerCase(); // userName is not caseExact: RFC 7643 section 4.1.1
const missing = (id) => new SCIMMY.Types.Error(404, null, `there is no ${id}`);

function writeUser(resource, { userName, ...rest }) {
  if (resource.id && !users.has(resource.id)) throw missing(resource.id);
  const id = resource.id ?? randomUUID();
  for (const other of users.values()) {
    // RFC 7644 section 3.3: 409 with scimType uniqueness.
    if (other.id !== id && sameName(other.userName, userName)) {
      throw new SCIMMY.Types.Error(409, "uniqueness", `userName ${userName} is taken`);
    }
  }
  return store(users, id, { ...rest, userName });
}

function writeGroup(resource, group) {
  if (resource.id && !groups.has(resource.id)) throw missing(resource.id);
  return store(groups, resource.id ?? randomUUID(), group);
}

function store(kept, id, attributes) {
  const now = new Date();
  const created = kept.get(id)?.meta.created ?? now;
  const stored = { ...JSON.parse(JSON.stringify(attributes)), id, meta: { created, lastModified: now } };
  kept.set(id, stored);
  return stored;
}

function read(kept, { id, filter }) {
  if (id) {
    if (!kept.has(id)) throw missing(id);
    return kept.get(id);
  }
  const all = [...kept.values()];
  const [operator, name] = (filter?.length === 1 && filter[0].userName) || [];
  if (operator === "eq") return all.filter((user) => sameName(user.userName, name));
  return filter ? filter.match(all) : all;
}

function remove(kept, { id }) {
  if (!kept.delete(id)) throw missing(id);
}

SCIMMY.Resources.declare(SCIMMY.Resources.User)
  .ingress(writeUser)
  .egress((resource) => read(users, resource))
  .degress((resource) => remove(users, resource));
SCIMMY.Resources.declare(SCIMMY.Resources.Group)
  .ingress(writeGroup)
  .egress((resource) => read(groups, resource))
  .degress((resource) => remove(groups, resource));

const server = express()
  .use("/scim/v2", new SCIMMYRouters({ type: "bearer", handler: () => "anyone" }))
  .listen(process.env.PORT ?? 0, "127.0.0.1", () => {
    console.log(`http://127.0.0.1:${server.address().port}/scim/v2`);
  });
process.stdin.on("end", () => process.exit()).resume();
