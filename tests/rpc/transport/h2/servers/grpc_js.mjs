// The interop server on @grpc/grpc-js; other_http2_servers.py says what it does. Arguments: folder, node_modules.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, modules] = process.argv.slice(2);
const grpc = createRequire(`${modules}/`)("@grpc/grpc-js");
const load = (name) => readFileSync(`${folder}/${name}`);
const replies = (name) => [0, 1, 2, 3].map((number) => load(`${name}-${number}`));
const [unary, stream, bidi] = [load("unary"), replies("stream"), replies("bidi")];
const copy = (metadata, key) => {
  const copied = new grpc.Metadata();
  for (const value of metadata.get(key)) copied.add(key, value);
  return copied;
};
const noteCancelled = (call) => call.on("cancelled", () => console.log("cancelled"));

function generateContent(call, callback) {
  const [status] = call.metadata.get("x-status");
  const [size] = call.metadata.get("x-size");
  if (status !== undefined) {
    const [message] = call.metadata.get("x-message-bin");
    callback({ code: Number(status), details: message.toString() });
  } else if (size !== undefined && Number(size) !== call.request.length) {
    callback({ code: grpc.status.INVALID_ARGUMENT, details: `request of ${call.request.length} bytes` });
  } else {
    callback(null, call.request.length ? unary : Buffer.alloc(0));
  }
}

function streamGenerateContent(call) {
  for (const reply of stream) call.write(reply);
  call.end();
}

function bidiGenerateContent(call) {
  noteCancelled(call);
  const isSilent = call.metadata.get("x-silent").length > 0;
  const received = [];
  call.sendMetadata(copy(call.metadata, "x-grpc-test-echo-initial"));
  call.on("data", (request) => {
    if (!isSilent) call.write(bidi[received.length]);
    received.push(request.length);
  });
  call.on("end", () => {
    if (isSilent) return;
    const trailers = copy(call.metadata, "x-grpc-test-echo-trailing-bin");
    trailers.set("x-received", received.join(","));
    call.end(trailers);
  });
}

const service = (methods) =>
  Object.fromEntries(
    methods.map(([name, requestStream, responseStream]) => [
      name,
      {
        path: `/google.ai.generativelanguage.v1beta.GenerativeService/${name}`,
        requestStream,
        responseStream,
        requestSerialize: (data) => data,
        requestDeserialize: (data) => data,
        responseSerialize: (data) => data,
        responseDeserialize: (data) => data,
      },
    ]),
  );
const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
server.addService(
  service([
    ["GenerateContent", false, false],
    ["StreamGenerateContent", false, true],
    ["BidiGenerateContent", true, true],
  ]),
  { GenerateContent: generateContent, StreamGenerateContent: streamGenerateContent, BidiGenerateContent: bidiGenerateContent },
);
const credentials = grpc.ServerCredentials.createSsl(null, [
  { private_key: load("key.pem"), cert_chain: load("chain.pem") },
]);
server.bindAsync("127.0.0.1:0", credentials, (error, port) => {
  if (error) throw error;
  console.log(port);
});
