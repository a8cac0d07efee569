/* A model-driven form with Xrm.WebApi, as far as the script of the job form uses them. Reads a scene as JSON from
   standard input, plays it, and writes what is to be seen after each act.

   scene: {columns: {name: value}, absent: [column], formType, automations: {id: fields | null}, acts: [[act, …]]}
   acts:  ["load"], ["set", column, value], ["hold"] (answers of the Web API wait), ["answer", n] (the nth question)
   instead of acts, `texts`: which of them hold only hints */
"use strict";
const fs = require("fs");
const vm = require("vm");

const scene = JSON.parse(fs.readFileSync(0, "utf8"));

class Control {
  constructor(name, label) {
    Object.assign(this, { name, label, visible: true });
  }
  getName() { return this.name; }
  getLabel() { return this.label; }
  setLabel(label) { this.label = label; }
  setVisible(visible) { this.visible = visible; }
}

class Attribute {
  constructor(name, value) {
    Object.assign(this, { name, value, level: "none", handlers: [] });
    this.controls = [new Control(name, "label of " + name)];
  }
  getValue() { return this.value; }
  setValue(value) { this.value = value; } // as in Dataverse, this fires no OnChange
  setRequiredLevel(level) { this.level = level; }
  addOnChange(handler) { this.handlers.push(handler); }
}

const attributes = {};
for (const [name, value] of Object.entries(scene.columns || {})) {
  if (!(scene.absent || []).includes(name)) attributes[name] = new Attribute(name, value);
}
const notifications = {};
const form = {
  getAttribute(name) {
    if (!(name in (scene.columns || {}))) throw new Error("the table has no column " + name);
    return attributes[name] || null;
  },
  ui: {
    getFormType: () => scene.formType || 1,
    setFormNotification: (text, level, id) => { notifications[id] = level + ": " + text; },
    clearFormNotification: (id) => { delete notifications[id]; },
  },
};
const context = { getFormContext: () => form };

const asked = [];
const waiting = [];
let holding = false;
const Xrm = {
  WebApi: {
    retrieveRecord(table, id, options) {
      asked.push([table, id, options]);
      return new Promise((resolve, reject) => {
        const answer = () =>
          id in scene.automations ? resolve({ dh_fields: scene.automations[id] }) : reject(new Error("no such row"));
        if (holding) waiting.push(answer);
        else answer();
      });
    },
  },
};

const world = vm.createContext({ Xrm });
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), world, { filename: process.argv[2] });
const script = world.SpotlerJob;

function seen() {
  const look = (of) => Object.fromEntries(Object.values(attributes).map((one) => [one.name, of(one)]));
  return {
    values: look((one) => one.value),
    visible: Object.values(attributes).filter((one) => one.controls[0].visible).map((one) => one.name),
    required: Object.values(attributes).filter((one) => one.level === "required").map((one) => one.name),
    labels: look((one) => one.controls[0].label),
    notifications: Object.values(notifications),
    asked: [...asked],
  };
}

async function play() {
  const views = [];
  for (const [act, ...words] of scene.acts) {
    if (act === "load") script.onLoad(context);
    if (act === "hold") holding = true;
    if (act === "answer") waiting[words[0]]();
    if (act === "set") {
      const attribute = attributes[words[0]];
      attribute.setValue(words[1]);
      attribute.handlers.forEach((handler) => handler(context));
    }
    await new Promise(setImmediate); // everything that was promised has happened
    views.push(seen());
  }
  return views;
}

const answer = scene.texts ? Promise.resolve(scene.texts.map(script.holdsOnlyHints)) : play();
answer.then((views) => process.stdout.write(JSON.stringify(views)));
