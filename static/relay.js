// What every page needs; each module listens on the document, so swapped fragments need no set-up.
import "./cards.js";
import "./copy.js";
import "./insert.js";
import "./look.js";
import "./menus.js";
import "./previews.js";
import "./reload.js";
import "./select.js";
import "./times.js";
import "./trouble.js";
