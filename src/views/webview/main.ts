/** The dashboard's page: defines the elements of which the last is the page itself. */
import "./field";
import "./grid";
import "./learnerData";
import "./plot";
import "./learnersList";
import "./learnerPanel";
import "./dashboard";
