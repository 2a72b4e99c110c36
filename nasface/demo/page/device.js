// The page that only runs models for the computer that printed its address.
import { Problem, json } from "./assets.js";
import { work } from "./link.js";

const status = document.getElementById("status");

function say(text) {
  status.classList.remove("problem");
  status.textContent = text;
}

function fail(error) {
  status.classList.add("problem");
  status.textContent = error instanceof Problem ? error.message : `This did not work (${error.message || error}); load the page again.`;
  console.error(error);
}

json("demo.json")
  .then(({ version }) => work(version, say))
  .then((words) => {
    say(words);
    document.body.dataset.over = "yes";
  })
  .catch(fail);
