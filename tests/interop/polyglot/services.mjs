// Loads every proto of the first folder as grpc-js programs do, at run time, and prints each service with its
// methods: {service: {method: [path, request streams, response streams]}}. The other folders hold imports.
import { readdirSync } from "node:fs";
import { loadSync } from "@grpc/proto-loader";

const includeDirs = process.argv.slice(2);
const files = readdirSync(includeDirs[0], { recursive: true })
  .map((name) => name.replaceAll("\\", "/"))
  // Those of the overlay say what the generator of gemwire merges; other languages have no use for them.
  .filter((name) => name.endsWith(".proto") && !name.startsWith("overlay/"));
const services = {};
for (const [name, definition] of Object.entries(loadSync(files, { includeDirs }))) {
  // Messages and enums are entries with a `format`; a service is a plain object of its methods.
  if ("format" in definition) continue;
  services[name] = Object.fromEntries(
    Object.entries(definition).map(([method, of]) => [method, [of.path, of.requestStream, of.responseStream]]),
  );
}
console.log(JSON.stringify(services));
