// What every page needs; each module listens on the document, so swapped fragments need no set-up.
import "./copy.js";
import "./look.js";
import "./menus.js";
import "./times.js";
import "./insert.js";
import "./previews.js";
import "./reload.js";
