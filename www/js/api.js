// The calls of the API that this page makes. An answer that is not 2xx becomes an ApiError with the problem's text.
import { token, tokenRefused } from "./token.js";

const TIMEOUT_MS = 30000;

export class ApiError extends Error {
  constructor(status, body) {
    const fields = (body.errors ?? []).map((e) => `${e.pointer}: ${e.detail}`);
    super([body.detail ?? body.title ?? `status ${status}`, ...fields].join("\n"));
    this.status = status;
  }
}

// Integers that a double cannot hold become BigInts, where the browser shows a number's digits to the reviver.
function exact(name, value, context) {
  const digits = typeof value === "number" && !Number.isSafeInteger(value) ? context?.source : undefined;
  return digits !== undefined && /^-?[0-9]+$/.test(digits) ? BigInt(digits) : value;
}

async function call(url, { method = "GET", body, headers = {}, signal } = {}) {
  const secret = token();
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(url, {
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: {
      Accept: "application/json",
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(secret === "" ? {} : { Authorization: `Bearer ${secret}` }),
      ...headers,
    },
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    signal: signal && AbortSignal.any ? AbortSignal.any([signal, limit]) : signal ?? limit,
  });
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text, exact);
  } catch {
    throw new ApiError(response.status, { detail: `status ${response.status}, and no JSON` });
  }
  if (response.status === 401) tokenRefused();
  return { status: response.status, answer };
}

async function get(path, fields = {}, options = {}) {
  const kept = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const { status, answer } = await call(`${path}?${new URLSearchParams(kept)}`, options);
  if (status !== 200) throw new ApiError(status, answer);
  return answer;
}

async function post(path, body, options = {}) {
  const { status, answer } = await call(path, { method: "POST", body, ...options });
  if (status !== 200 && status !== 201) throw new ApiError(status, answer);
  return answer;
}

/** A key that makes a call safe to repeat (randomUUID is missing where a page is neither https nor on loopback). */
export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

/** The health document; also of a node that is not healthy (503 with a status of its own). */
export async function health() {
  const { status, answer } = await call("/v1/health");
  if (answer.state === undefined) throw new ApiError(status, answer);
  return answer;
}

export async function metricsText() {
  const response = await fetch("/metrics", { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new ApiError(response.status, {});
  return response.text();
}

export const query = (request, signal) => post("/v1/query", request, { signal });
export const concepts = (fields, signal) => get("/v1/concepts", fields, { signal });
export const why = (id, fields, signal) => get(`/v1/why/${encodeURIComponent(id)}`, fields, { signal });
export const conflicts = (fields, signal) => get("/v1/conflicts", fields, { signal });
export const sources = (fields, signal) => get("/v1/sources", fields, { signal });
export const moment = (seq, signal) => get("/v1/history", { seq }, { signal });
export const backups = (signal) => get("/v1/backups", {}, { signal });
export const retractions = (fields, signal) => get("/v1/retractions", fields, { signal });
export const previewRetraction = (request, lens) => post(`/v1/retract?${new URLSearchParams({ lens })}`, { ...request, dry_run: true });
export const retract = (request, key) => post("/v1/retract", request, { headers: { "Idempotency-Key": key } });
export const reinstate = (request, key) => post("/v1/reinstate", request, { headers: { "Idempotency-Key": key } });
