"use strict";
// The condition of a rule, without a reload: each change asks the server for this piece of the page.
// Without this script its buttons send the whole form, and come back with the same.
{
  const form = document.querySelector("form[data-rule]");
  const PIECE = /^(csrfmiddlewaretoken|name|editor|parts|condition|part-.*)$/;
  const box = () => form.querySelector("[data-condition]");
  const state = () =>
    new URLSearchParams(
      [...new FormData(form)].filter(([name, value]) => PIECE.test(name) && typeof value === "string"),
    );
  let timer;
  let asked = 0;
  let pressing = 0; // buttons whose answers are on their way
  let whole = false; // whether more changes than the sentence

  const ask = async (pressed) => {
    const sent = state();
    const before = sent.toString();
    sent.set("edit", pressed);
    const answer = await fetch(location.href, {
      method: "POST",
      body: sent,
      headers: { "X-Part": "condition" },
      redirect: "error",
    });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { page, isOld: state().toString() !== before };
  };

  const sentence = (page) => {
    const newer = page.querySelector("[data-sentence]");
    const shown = form.querySelector("[data-sentence]");
    if (newer.innerHTML !== shown.innerHTML) shown.replaceChildren(...newer.childNodes);
  };

  const swap = (page) => {
    const focused = document.activeElement?.id;
    const newer = page.querySelector("[data-condition]");
    box().replaceWith(newer);
    document.getElementById(newer.dataset.focus || focused)?.focus();
    sentence(page);
  };

  // Only the last answer counts, and none that has missed something that was typed meanwhile.
  const refresh = async (pressed, button) => {
    clearTimeout(timer);
    const mine = (asked += 1);
    try {
      const { page, isOld } = await ask(pressed);
      if (mine !== asked) return;
      if (isOld) return refresh(pressed, button);
      if (whole) swap(page);
      else sentence(page);
      whole = false;
    } catch {
      if (button) send(button); // signed out, or no network: the page says so itself
    }
  };

  const send = (button) => {
    button.dataset.sends = "yes";
    form.requestSubmit(button);
  };

  const press = (event) => {
    const button = event.target.closest("button[name=edit]");
    if (!button || button.dataset.sends) return;
    event.preventDefault();
    whole = true;
    pressing += 1;
    refresh(button.value, button).finally(() => (pressing -= 1));
  };

  const SELECT = "select, [type=checkbox]";

  const type = (event) => {
    if (!event.target.closest("[data-condition]") && event.target.name !== "name") return;
    if (event.target.matches(SELECT)) return;
    later(() => refresh("update"));
  };

  // Whoever chooses with the keyboard comes past other choices: the last one counts.
  const choose = (event) => {
    if (event.target.closest("[data-condition]") && event.target.matches(SELECT)) {
      if (/-(field|comparison)$/.test(event.target.name)) whole = true;
      later(() => refresh("update"));
    }
  };

  const later = (then) => {
    clearTimeout(timer);
    timer = setTimeout(() => pressing || then(), 300); // a button's answer is asked for again itself
  };

  // Enter proposes nothing while the rule is being written or tried.
  const enter = (event) => {
    if (event.key !== "Enter" || !event.target.matches("input, select")) return;
    if (event.target.closest("[data-condition]")) {
      event.preventDefault();
      refresh("update");
    } else if (event.target.closest("#try")) {
      event.preventDefault();
      form.querySelector("#try button[value=values]").click();
    }
  };

  if (form) {
    form.classList.add("tasks-with-script");
    form.addEventListener("click", press);
    form.addEventListener("input", type);
    form.addEventListener("change", choose);
    form.addEventListener("keydown", enter);
  }
}
