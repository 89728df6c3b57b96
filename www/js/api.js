// The calls of the API that this page makes. An answer that is not 2xx becomes an Error with the problem's text.

async function call(url, options) {
  const response = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store", ...options });
  const body = await response.json();
  return { status: response.status, body };
}

function problemText(body) {
  const fields = (body.errors ?? []).map((e) => `${e.pointer}: ${e.detail}`);
  return [body.detail ?? body.title, ...fields].join("\n");
}

/** The health document; also of a node that is not healthy (status 503). */
export async function health() {
  return (await call("/v1/health")).body;
}

/** The answer to a query {concept_path, match, lens, limit, cursor}. */
export async function query(request) {
  const { status, body } = await call("/v1/query", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(request),
  });
  if (status !== 200) throw new Error(problemText(body));
  return body;
}
