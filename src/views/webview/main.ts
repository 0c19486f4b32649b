/** The dashboard's page: defines the elements of which the last is the page itself. */
import "./grid";
import "./plot";
import "./learnersList";
import "./learnerPanel";
import "./dashboard";
