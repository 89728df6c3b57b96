// The form for the token: there when the node wants one, or when asked for.
import { byId } from "./dom.js";
import { onToken, setToken, token } from "./token.js";

const TEXTS = {
  wanted: "This node wants a token.",
  refused: "This node does not take that token.",
  kept: "A token is kept by this tab until it is closed.",
  none: "No token is kept.",
};

function showState(state) {
  byId("token-text").textContent = TEXTS[state];
  byId("token-forget").hidden = token() === "";
  byId("token-box").dataset.state = state;
  if (state === "wanted" || state === "refused") byId("token-box").open = true;
}

export function startTokenForm() {
  onToken(showState);
  showState(token() === "" ? "none" : "kept");
  byId("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const given = byId("token").value.trim();
    byId("token").value = "";
    if (given === "") return;
    byId("token-box").open = false;
    setToken(given);
  });
  byId("token-forget").addEventListener("click", () => setToken(""));
}
