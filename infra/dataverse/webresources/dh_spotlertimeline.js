/* A record source of the timeline (ACT-01, ACT-02): shows Marketing Interactions of a contact, lead or account between notes,
   posts and activities, without storing a single activity.

   On a form: timeline, Custom connectors, web resource dh_spotlertimeline.js, constructor SpotlerTimeline.RecordSource. Which
   kinds are shown says the environment variable dh_spotlertimelineinteractions (Sent, Opened, Clicked, Bounced, Unsubscribed,
   Conversion, SMS Sent, Automation Mail), separated by commas. Opens that have no card of their own stand on the card of the mail. Plain
   JavaScript, no build step. */
// eslint-disable-next-line no-unused-vars
var SpotlerTimeline = (function () {
  "use strict";

  const NAME = "SpotlerInteractions";
  const VARIABLE = "dh_spotlertimelineinteractions";
  const DEFAULT_KINDS = "Sent,SMS Sent,Automation Mail,Clicked,Bounced,Unsubscribed";
  const FIRST = 480000000; // of the choice dh_type
  const KINDS = {
    sent: 0, opened: 1, clicked: 2, bounced: 3, unsubscribed: 4, "form submitted": 5, "website visit": 6, "page view": 7,
    conversion: 8, "sms sent": 9, "automation mail": 10,
  };
  const SENT = FIRST, OPENED = FIRST + 1;
  const MOST = 250; // interactions of one record: a timeline shows a few at a time
  const LOOKUPS = { contact: "_dh_customerid_value", account: "_dh_customerid_value", lead: "_dh_leadid_value" };
  const COLUMNS = [
    "dh_marketinginteractionid", "dh_name", "dh_type", "dh_occurredon", "dh_lastoccurredon", "dh_count", "dh_linkname",
    "dh_linkurl", "dh_bouncetype", "dh_attribution", "dh_onlineversion", "dh_suspect", "dh_suspectreason", "_dh_campaignid_value",
  ];
  const HARD = FIRST, ASSUMED = FIRST + 1;
  const MAIL_ICON = 4; // the number of a letter among the icons of the timeline

  class RecordSource {
    async init(context) {
      this.context = context;
      this.kinds = await shownKinds(context);
    }

    getRecordSourceInfo() {
      return { name: NAME };
    }

    async getRecordsData(request, filter) {
      const rows = await this.rows();
      const opens = opensByMailing(rows, this.kinds);
      const found = rows
        .filter((row) => this.kinds.has(row.dh_type))
        .map((row) => card(row, opens))
        .filter((one) => matches(one, filter && filter.searchKey));
      found.sort((one, other) => (request.isAscending ? 1 : -1) * (one.sortDateValue < other.sortDateValue ? -1 : 1));
      const start = request.lastItem ? found.findIndex((one) => one.id === request.lastItem.id) + 1 : 0;
      return { requestId: request.requestId, records: found.slice(start, start + (request.top || MOST)) };
    }

    async getFilterDetails(filter) {
      return (filter && filter.filterData) || [];
    }

    getRecordUX(record) {
      const data = JSON.parse(record.data);
      return {
        id: record.id,
        moduleName: NAME,
        sortDateValue: record.sortDateValue,
        accessibleName: data.title,
        icon: { type: MAIL_ICON, accessibleName: data.kind },
        header: { components: this.label(record.id, "header", data.title, data.suspect) },
        body: { components: this.label(record.id, "body", data.text, data.suspect) },
        footer: { components: this.label(record.id, "footer", data.note, data.suspect) },
        commands: [],
      };
    }

    label(id, part, text, isGrey) {
      const style = isGrey ? { color: "#8a8886" } : {}; // a machine clicked: shown, and out of the way
      return this.context.factory.createElement("Label", { key: [NAME, id, part].join("_"), style: style }, text);
    }

    /** The rows of the record of the form; read once, as the timeline asks again for every page. */
    async rows() {
      if (!this.known) {
        const page = this.context.page;
        const lookup = LOOKUPS[page.entityTypeName];
        if (!lookup || !page.entityId) return [];
        const query = "?$select=" + COLUMNS.join(",") + "&$filter=" + lookup + " eq " + bare(page.entityId) +
          "&$orderby=dh_occurredon desc&$top=" + MOST;
        this.known = (await this.context.webAPI.retrieveMultipleRecords("dh_marketinginteraction", query)).entities;
      }
      return this.known;
    }
  }

  async function shownKinds(context) {
    const query = "?$select=schemaname&$filter=schemaname eq '" + VARIABLE +
      "'&$expand=environmentvariabledefinition_environmentvariablevalue($select=value)";
    let text = "";
    try {
      const found = (await context.webAPI.retrieveMultipleRecords("environmentvariabledefinition", query)).entities[0];
      const values = (found && found.environmentvariabledefinition_environmentvariablevalue) || [];
      text = values.length ? values[0].value : "";
    } catch (error) {
      text = ""; // a user who may not read variables sees the default
    }
    const names = (text || DEFAULT_KINDS).split(",").map((name) => name.trim().toLowerCase());
    return new Set(names.filter((name) => name in KINDS).map((name) => FIRST + KINDS[name]));
  }

  function opensByMailing(rows, kinds) {
    const opens = new Map();
    if (kinds.has(OPENED)) return opens;
    for (const row of rows) {
      if (row.dh_type === OPENED) opens.set(row._dh_campaignid_value, row);
    }
    return opens;
  }

  function card(row, opens) {
    const kind = row["dh_type@OData.Community.Display.V1.FormattedValue"] || nameOf(row.dh_type);
    const opened = row.dh_type === SENT ? opens.get(row._dh_campaignid_value) : undefined;
    const data = {
      kind: kind,
      title: row.dh_name,
      text: [row.dh_linkname, row.dh_linkurl, row.dh_onlineversion].filter(Boolean).join(" "),
      note: [
        row.dh_count > 1 ? row.dh_count + " times" : "",
        opened ? "Opened" + (opened.dh_count > 1 ? " " + opened.dh_count + " times" : "") : "",
        row.dh_bouncetype ? (row.dh_bouncetype === HARD ? "Hard bounce" : "Soft bounce") : "",
        row.dh_attribution === ASSUMED ? "Assumed: the newest mailing" : "",
        row.dh_suspect ? "By a machine: " + (row.dh_suspectreason || "") : "",
      ].filter(Boolean).join(" · "),
      suspect: Boolean(row.dh_suspect),
    };
    return { id: row.dh_marketinginteractionid, sortDateValue: row.dh_occurredon, data: JSON.stringify(data) };
  }

  function matches(record, searched) {
    return !searched || record.data.toLowerCase().includes(String(searched).toLowerCase());
  }

  function nameOf(type) {
    return Object.keys(KINDS).find((name) => FIRST + KINDS[name] === type) || "";
  }

  function bare(id) {
    return String(id).replace(/[{}]/g, "");
  }

  return { RecordSource: RecordSource };
})();
