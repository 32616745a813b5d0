// What a TypeScript program does with the protos: it builds a request, encodes it, and reads a reply. The
// test compiles this file strictly against the generated code, so the types are proven as well as the bytes.
import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";

import {
  FunctionCallingConfig_Mode,
  FunctionDeclaration_Behavior,
  Type,
} from "./gen/ts/google/ai/generativelanguage/v1beta/content_pb.js";
import {
  GenerateContentRequestSchema,
  GenerateContentResponseSchema,
  GenerationConfig_Modality,
  GenerativeService,
} from "./gen/ts/google/ai/generativelanguage/v1beta/generative_service_pb.js";
import {
  HarmCategory,
  SafetySetting_HarmBlockThreshold,
} from "./gen/ts/google/ai/generativelanguage/v1beta/safety_pb.js";

// One field of every kind that languages are known to disagree on: well-known types, bytes, 64-bit numbers,
// maps, nested enums, oneofs, recursion, and a zero that presence must keep. Floats are sums of powers of
// two: each language rounds others in its own way when it prints them.
const request = create(GenerateContentRequestSchema, {
  model: "models/gemini-2.0-flash",
  systemInstruction: { parts: [{ data: { case: "text", value: "Be brief." } }] },
  contents: [
    {
      role: "user",
      parts: [
        { data: { case: "text", value: "Grüße, 世界 👋" } },
        {
          data: { case: "inlineData", value: { mimeType: "video/mp4", data: new Uint8Array([0, 1, 254, 255]) } },
          metadata: {
            case: "videoMetadata",
            value: { startOffset: { seconds: 1n, nanos: 500_000_000 }, fps: 0.5 },
          },
        },
      ],
    },
    {
      role: "model",
      parts: [
        {
          data: {
            case: "functionCall",
            value: { id: "1", name: "look_up", args: { city: "Zürich", days: 2, exact: null } },
          },
          thoughtSignature: new Uint8Array([7, 8, 9]),
        },
      ],
    },
  ],
  tools: [
    {
      functionDeclarations: [
        {
          name: "look_up",
          description: "Looks the weather up.",
          behavior: FunctionDeclaration_Behavior.NON_BLOCKING,
          parameters: {
            type: Type.OBJECT,
            properties: {
              days: { type: Type.ARRAY, maxItems: 9007199254740993n, items: { type: Type.INTEGER } },
            },
          },
        },
      ],
    },
  ],
  toolConfig: { functionCallingConfig: { mode: FunctionCallingConfig_Mode.VALIDATED } },
  safetySettings: [
    { category: HarmCategory.DANGEROUS_CONTENT, threshold: SafetySetting_HarmBlockThreshold.BLOCK_ONLY_HIGH },
  ],
  generationConfig: {
    temperature: 0,
    topP: 0.75,
    seed: -1,
    responseModalities: [GenerationConfig_Modality.TEXT, GenerationConfig_Modality.IMAGE],
  },
});

/** Encodes the request, and reads the reply that the caller encoded. */
export function exchange(reply: string): object {
  return {
    method: `${GenerativeService.typeName}/${GenerativeService.method.generateContent.name}`,
    binary: base64Encode(toBinary(GenerateContentRequestSchema, request)),
    json: toJson(GenerateContentRequestSchema, request),
    reply: toJson(GenerateContentResponseSchema, fromBinary(GenerateContentResponseSchema, base64Decode(reply))),
  };
}
