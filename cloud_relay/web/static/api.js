/** Requests to the relay: JSON both ways, the page's CSRF token, one Idempotency-Key per deed. */

export class Refusal extends Error {
  /** @param {{title?: string, detail?: string, status?: number, type?: string}} problem an RFC 9457 document */
  constructor(problem) {
    super(problem.title || "");
    this.problem = problem;
  }
}

const csrf = document.querySelector("meta[name=csrf]")?.content ?? "";
export const language = document.body.dataset.language ?? "en";
export const t = (en, zh) => (language === "zh" ? zh : en);

/** Send a request and return the parsed answer; throws Refusal with what the relay says, or a plain one when it is away. */
export async function api(method, url, body, key) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (key) headers["Idempotency-Key"] = key;
  const isForm = body instanceof FormData;
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(url, { method, headers, body: isForm ? body : body && JSON.stringify(body),
      credentials: "same-origin", keepalive: method !== "GET" && !isForm });
  } catch {
    throw new Refusal({ title: t("The connection is gone. Check it and try again; nothing is lost.", "网络中断，请检查后重试，内容不会丢失。"), status: 0 });
  }
  const isJson = response.headers.get("content-type")?.includes("json");
  const answer = isJson ? await response.json() : null;
  if (!response.ok) throw new Refusal(answer ?? { title: `HTTP ${response.status}`, status: response.status });
  return answer;
}

/** Say something at the edge of the page, also to screen readers. */
export function say(text, kind = "") {
  const place = document.getElementById("toast");
  place.className = kind;
  place.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (place.textContent = ""), 6000);
}
