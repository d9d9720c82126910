/** Questions to the attendant: each stands in the page's list, and its answer below it. */

import { api, say, t } from "./api.js";

/** @param from the button that was pressed, or the form: a button's own words are the question */
export async function ask(page, sessionId, kind, text, from) {
  const { question_id } = await api("POST", `/api/viewing/${sessionId}/questions`, { kind, text }, crypto.randomUUID());
  const line = document.createElement("li");
  line.dataset.question = question_id;
  const below = Object.assign(document.createElement("p"), { className: "soft", textContent: t("Asked; the attendant will answer here.", "已提问，店员会在此回复。") });
  below.dataset.part = "answer";
  line.append(text || from.textContent, below);
  page.querySelector('[data-part="questions"]').append(line);
}

export function answered(page, { question_id, answer }) {
  const line = page.querySelector(`[data-question="${question_id}"] [data-part="answer"]`);
  if (line) line.textContent = answer;
  say(t("The attendant answers: ", "店员回复：") + answer, "good");
}
