/* A page with the form of a marketing list, as far as the script of its button uses it. Reads a scene as JSON from
   standard input, presses the button once, and writes what was to be seen. With `selected` (ids), it is the button of the
   view, and `lists` has the columns of each.

   scene: {id, formType, isDirty, confirms, list: {column: value}, count: n | {message, errorCode}, refusal: message}
   or, with a real Web API behind the page: {id, formType, isDirty, confirms, url, token} */
"use strict";
const fs = require("fs");
const vm = require("vm");

const scene = JSON.parse(fs.readFileSync(0, "utf8"));
const SETS = { list: "lists", account: "accounts", contact: "contacts", lead: "leads", dh_spotlerjob: "dh_spotlerjobs" };
const seen = { alerts: [], errors: [], questions: [], notifications: [], created: [], queries: [] };

async function call(path, row) {
  const answer = await fetch(scene.url + "/api/data/v9.2/" + path, {
    method: row ? "POST" : "GET",
    headers: { Authorization: "Bearer " + scene.token, Accept: "application/json", "Content-Type": "application/json" },
    body: row && JSON.stringify(row),
  });
  const text = await answer.text();
  if (!answer.ok) {
    const told = JSON.parse(text).error;
    throw Object.assign(new Error(told.message), { errorCode: Number(told.code) | 0 }); // signed, as pages have it
  }
  return text ? JSON.parse(text) : {};
}

const served = {
  retrieveRecord: (table, id, options) => call(SETS[table] + "(" + id + ")" + options),
  retrieveMultipleRecords: async (table, options) => ({ entities: (await call(SETS[table] + options)).value }),
  createRecord: (table, row) => call(SETS[table], row),
};
const told = {
  retrieveRecord: async (table, id) => (scene.lists ? scene.lists[id] : scene.list),
  retrieveMultipleRecords: async () => {
    if (typeof scene.count === "object") throw Object.assign(new Error(scene.count.message), scene.count);
    return { entities: [{ members: scene.count }] };
  },
  createRecord: async () => {
    if (scene.refusal && seen.created.length >= (scene.refusedFrom || 1)) throw new Error(scene.refusal);
    return {};
  },
};
const behind = scene.url ? served : told;

const Xrm = {
  WebApi: {
    ...behind,
    retrieveMultipleRecords(table, options) {
      seen.queries.push([table, decodeURIComponent(options.replace("?fetchXml=", ""))]);
      return behind.retrieveMultipleRecords(table, options);
    },
    createRecord(table, row) {
      seen.created.push([table, row]);
      return behind.createRecord(table, row);
    },
  },
  Navigation: {
    openAlertDialog: async (words) => { seen.alerts.push(words.text); },
    openErrorDialog: async (words) => { seen.errors.push(words.message); },
    openConfirmDialog: async (words) => {
      seen.questions.push(words.text);
      return { confirmed: scene.confirms };
    },
  },
};
const form = {
  data: { entity: { getId: () => "{" + String(scene.id).toUpperCase() + "}", getIsDirty: () => Boolean(scene.isDirty) } },
  ui: {
    getFormType: () => scene.formType || 2,
    setFormNotification: (text) => { seen.notifications.push(text); },
  },
};

const world = vm.createContext({ Xrm });
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), world, { filename: process.argv[2] });
const grid = { refresh: () => { seen.notifications.push("the view was read again"); } };
const pressed = scene.selected
  ? world.SpotlerList.syncSelected(grid, scene.selected.map((id) => ({ Id: "{" + id.toUpperCase() + "}", Name: "", TypeName: "list" })))
  : world.SpotlerList.sync(form);
pressed.then(() => process.stdout.write(JSON.stringify(seen)));
