/* The command Sync To Spotler of marketing lists (ML-14): says how many members there are and who of them is skipped
   (ML-16, ML-17), and on OK creates a Spotler Job with operation Sync List (ML-23), for each list that was selected. The
   connector does the rest; it is not called from here, so that no key of it is in a browser.

   On the form: function SpotlerList.sync, parameter PrimaryControl. In a view: function SpotlerList.syncSelected,
   parameters SelectedControl and SelectedControlSelectedItemReferences. The installer registers both
   (infra/dataverse/commands). Plain JavaScript, no build step. */
// eslint-disable-next-line no-unused-vars
var SpotlerList = (function () {
  "use strict";

  const TITLE = "Sync To Spotler";
  const COLUMNS = "listname,createdfromcode,type,query,donotsendonoptout,ignoreinactivelistmembers";
  const SYNC_LIST = 480000000; // of the choice dh_operation
  const LONGEST_NAME = 200; // of dh_name
  const MEMBERS = { 1: "account", 2: "contact", 4: "lead" }; // by createdfromcode, Targeted At

  const UPDATE = 2; // formContext.ui.getFormType(): neither new, nor deactivated, nor read-only
  const STARTED = "dh_spotlerlist_started";

  const TOO_MANY_TO_COUNT = 0x8004e023; // Dataverse aggregates 50,000 rows at most
  const QUOTED = "(?:[^>\"']|\"[^\"]*\"|'[^']*')*?";
  const FETCH = new RegExp("<fetch\\b" + QUOTED + ">");
  const ENTITY = new RegExp("<entity\\b(" + QUOTED + ")(/?)>");
  const OUTPUT = new RegExp("<(attribute|all-attributes|order)\\b" + QUOTED + "(?:/>|>\\s*</\\1\\s*>)", "g");

  async function sync(form) {
    if (form.ui.getFormType() !== UPDATE) {
      return tell("Save the list, or activate it, before you sync it to Spotler.");
    }
    if (form.data.entity.getIsDirty()) {
      return tell("Save your changes to the list before you sync it to Spotler.");
    }
    try {
      const id = form.data.entity.getId().replace(/[{}]/g, "").toLowerCase();
      const list = await Xrm.WebApi.retrieveRecord("list", id, "?$select=" + COLUMNS);
      const answer = await Xrm.Navigation.openConfirmDialog({ title: TITLE, text: await question(id, list) });
      if (!answer.confirmed) {
        return;
      }
      await ask(id, list);
      form.ui.setFormNotification("The list is being synchronised. Its Spotler Status says how it ends.", "INFO", STARTED);
    } catch (error) {
      await Xrm.Navigation.openErrorDialog({ message: "The list was not synced to Spotler: " + error.message });
    }
  }

  /* The lists that are selected in a view: each is counted, all are confirmed at once. */
  async function syncSelected(grid, references) {
    if (!references || !references.length) {
      return tell("Select one or more marketing lists first.");
    }
    const done = [];
    try {
      const lists = [];
      for (const reference of references) {
        const id = reference.Id.replace(/[{}]/g, "").toLowerCase();
        lists.push([id, await Xrm.WebApi.retrieveRecord("list", id, "?$select=statecode," + COLUMNS)]);
      }
      const active = lists.filter(function (one) {
        return one[1].statecode === 0;
      });
      if (!active.length) {
        return tell("Activate the lists before you sync them to Spotler.");
      }
      const said = [];
      for (const [id, list] of active) {
        said.push(await question(id, list));
      }
      if (active.length < lists.length) {
        said.push("Lists that are not active are left out: " + (lists.length - active.length) + ".");
      }
      const answer = await Xrm.Navigation.openConfirmDialog({ title: TITLE, text: said.join("\n") });
      if (!answer.confirmed) {
        return;
      }
      for (const [id, list] of active) {
        await ask(id, list);
        done.push(id);
      }
      grid.refresh();
    } catch (error) {
      await Xrm.Navigation.openErrorDialog({
        message: "Lists synced to Spotler: " + done.length + ". The next one was not: " + error.message,
      });
    }
  }

  function ask(id, list) {
    return Xrm.WebApi.createRecord("dh_spotlerjob", {
      dh_name: ("Sync List: " + list.listname).slice(0, LONGEST_NAME),
      dh_operation: SYNC_LIST,
      "dh_ListId@odata.bind": "/lists(" + id + ")",
    });
  }

  /* What the dialog says. A list that cannot be counted can be synchronised all the same. */
  async function question(id, list) {
    let said;
    try {
      said = members(await count(id, list)) + ' of "' + list.listname + '" will be synchronised.';
    } catch (error) {
      said = isTooLong(error)
        ? 'More than 50,000 members of "' + list.listname + '" will be synchronised.'
        : 'The members of "' + list.listname + '" will be synchronised; they could not be counted: ' + error.message;
    }
    const skipped = [];
    if (list.ignoreinactivelistmembers !== false) {
      skipped.push("inactive");
    }
    if (list.donotsendonoptout !== false) {
      skipped.push("opted-out");
    }
    const skips = skipped.join(" and ");
    return skips ? said + " " + skips[0].toUpperCase() + skips.slice(1) + " members will be skipped." : said;
  }

  function members(number) {
    return number.toLocaleString("en") + (number === 1 ? " member" : " members");
  }

  function isTooLong(error) {
    return error.errorCode >>> 0 === TOO_MANY_TO_COUNT || /AggregateQueryRecordLimit/.test(error.message);
  }

  /* Members count once, however often a join finds them. */
  async function count(id, list) {
    const table = MEMBERS[list.createdfromcode];
    const query = list.type ? list.query : listed(id, table);
    const answer = await Xrm.WebApi.retrieveMultipleRecords(
      table,
      "?fetchXml=" + encodeURIComponent(counting(query || "", table + "id"))
    );
    return answer.entities[0].members;
  }

  /* The query of a static list, as a dynamic list would have it. */
  function listed(id, table) {
    return (
      '<fetch><entity name="' + table + '"><link-entity name="listmember" from="entityid" to="' + table + 'id">' +
      '<filter><condition attribute="listid" operator="eq" value="' + id + '" /></filter></link-entity></entity></fetch>'
    );
  }

  /* The query with its columns and its order replaced by a count. */
  function counting(query, key) {
    if (!FETCH.test(query) || !ENTITY.test(query)) {
      throw new Error("the list has no query that can be read.");
    }
    const count = '<attribute name="' + key + '" alias="members" aggregate="countcolumn" distinct="true" />';
    return query
      .replace(OUTPUT, "")
      .replace(FETCH, '<fetch version="1.0" mapping="logical" aggregate="true">')
      .replace(ENTITY, function (_, attributes, isEmpty) {
        return "<entity" + attributes + ">" + count + (isEmpty ? "</entity>" : "");
      });
  }

  function tell(text) {
    return Xrm.Navigation.openAlertDialog({ title: TITLE, text: text });
  }

  return { sync: sync, syncSelected: syncSelected };
})();
