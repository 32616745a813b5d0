// Instructions for the first call.

import { actionButton, el } from "./dom.js";

/** @param {{grpc: string, http: string}} about addresses of the emulator */
export function welcome({ grpc, http }) {
  const python = [
    `import os; os.environ["GEMINI_EMULATOR_HOST"] = "${grpc}"`,
    "from gemwire import v1beta; client = v1beta.GenerativeServiceClient()",
    'client.generate_content(model="models/gemini-2.5-flash", contents=[{"parts": [{"text": "Why is the sky blue?"}]}])',
  ].join("\n");
  const curl = [
    `curl -N '${http}/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse' \\`,
    "  -H 'content-type: application/json' \\",
    `  -d '{"contents": [{"parts": [{"text": "Why is the sky blue?"}]}]}'`,
  ].join("\n");
  return [
    el("h2", { text: "No calls yet" }),
    el("p", { text: "Calls over gRPC, HTTP and WebSockets appear here live. To make the first one:" }),
    snippet("Python", python),
    snippet("curl", curl),
  ];
}

function snippet(name, text) {
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    return "Copied";
  };
  return el("figure", {}, el("figcaption", {}, el("span", { text: name }), actionButton("Copy", copy)), el("pre", { "data-snippet": name, text }));
}
