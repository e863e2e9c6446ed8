// Loads the scripts of every page. Each module listens on the document, so swapped fragments need no set-up.
import "./bulk_selection.js";
import "./choices.js";
import "./conditional_fields.js";
import "./connection_banner.js";
import "./copy.js";
import "./double_click.js";
import "./editor_focus.js";
import "./insert.js";
import "./menus.js";
import "./previews.js";
import "./reload.js";
import "./saving.js";
import "./scroll_to_form.js";
import "./step_moves.js";
import "./theme_switch.js";
import "./times.js";
