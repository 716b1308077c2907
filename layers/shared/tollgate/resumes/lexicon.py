"""The words of the trades: skills by field with their other names, verbs that begin an achievement, headings.

Data written for this product; a term's other names count as the term itself at four fifths.
"""

import re
from functools import cache
from typing import Final

# By field; an equals sign joins the names of one skill, the first is its own.
_SKILLS: Final[dict[str, str]] = {
    "programming": (
        "java = core java = j2ee = java ee = jdk; python; javascript = js = ecmascript; typescript = ts; c++ = "
        "cpp; c#; c; golang; rust; kotlin; scala; swift; ruby; php; r; perl; matlab; dart; bash = shell = shell "
        "scripting; sql = pl sql = t sql = sql databases = sql database; html = html5; css = css3; data "
        "structures = dsa; algorithms; object oriented programming = oop = oops"
    ),
    "web": (
        "react = react.js = reactjs; angular = angularjs; vue = vue.js = vuejs; next.js = nextjs; node.js = "
        "nodejs = node; express = express.js; django; flask; fastapi; spring boot; spring = spring framework; "
        "spring cloud; spring security; hibernate = jpa; ruby on rails; laravel; asp.net; .net = dotnet = .net "
        "core; rest api = restful = rest apis = restful api = rest services = restful services; graphql; grpc; "
        "soap; microservices = microservice = micro services; websockets; web development; single page "
        "applications = spa; responsive design; tailwind; bootstrap; accessibility = wcag"
    ),
    "testing": (
        "junit; mockito; pytest; selenium; cypress; playwright; jest; unit testing = unit tests = unit test; test "
        "automation = automation testing = automated testing; manual testing; performance testing = load testing; "
        "api testing; postman; test driven development = tdd; contract tests = contract testing; quality "
        "assurance = qa"
    ),
    "cloud": (
        "aws = amazon web services; azure = microsoft azure; google cloud = gcp; docker = containers; kubernetes "
        "= k8s = eks = gke; terraform = infrastructure as code; ansible; jenkins; ci cd = continuous integration "
        "= continuous delivery; github actions; gitlab; git; linux = unix; nginx; prometheus; grafana; serverless "
        "= lambda; helm; devops; monitoring = observability; argo cd; cloudformation"
    ),
    "data stores": (
        "postgresql = postgres; mysql = mariadb; oracle = oracle database; sql server = mssql; mongodb = mongo; "
        "redis; dynamodb; cassandra; elasticsearch = opensearch; snowflake; bigquery; redshift; databases = "
        "database = rdbms; kafka = apache kafka; rabbitmq; message broker = message queue = message queues; data "
        "warehouse = data mart = data marts"
    ),
    "data": (
        "pandas; numpy; pytorch; tensorflow; scikit-learn = sklearn; machine learning = ml; deep learning; "
        "natural language processing = nlp; computer vision; statistics = statistical analysis = statistical "
        "modelling; forecasting = forecast = forecasted; power bi; tableau; looker; excel = advanced excel = ms "
        "excel = microsoft excel; dashboards = dashboard; etl = elt = data pipelines; airflow = apache airflow; "
        "dbt; spark = apache spark = pyspark; hadoop; data visualization = data visualisation; data analysis = "
        "data analytics; a b testing = ab testing = split testing = experimentation; google analytics; amplitude; "
        "mixpanel"
    ),
    "product": (
        "product management; product strategy; roadmapping = roadmap = roadmaps = product roadmap; prioritization "
        "= prioritisation = prioritized = prioritised = backlog; user research = customer interviews; stakeholder "
        "management = stakeholders; agile; scrum; kanban; jira; confluence; okrs = okr; pricing; onboarding; go "
        "to market = gtm; figma; wireframing = wireframes; design systems = design system; usability testing; "
        "customer discovery; saas; b2b"
    ),
    "finance": (
        "chartered accountant = ca final = qualified ca; cpa; cfa; ind as; ifrs; gaap; gst = goods and services "
        "tax; income tax = direct tax = direct taxes; tds; statutory audit = statutory audits; internal audit = "
        "internal audits; tax audit = tax audits; financial reporting = reporting; financial modelling = "
        "financial modeling; budgeting = budget = budgets; consolidation; monthly closing = month end closing = "
        "closing; working capital = working capital management; accounts payable; accounts receivable = "
        "receivables; bank limits = credit limits; transfer pricing; reconciliation = bank reconciliation; sap = "
        "sap fico = sap s 4hana = s 4hana; tally = tally prime = tally erp; oracle financials; costing; treasury; "
        "payroll; invoicing = billing; bookkeeping; payments; lending = loans; insurance; risk management"
    ),
    "health": (
        "registered nurse = rn; intensive care = icu = critical care; emergency = casualty = accident and "
        "emergency; mechanical ventilation = ventilated = ventilator; haemodynamic monitoring = hemodynamic "
        "monitoring; medication administration = drug administration; triage; wound care; patient care; infection "
        "control; bls; acls; electronic patient records = emr = ehr = electronic health records; ielts; oet; nmc "
        "= nmc test of competence = nmc registration; phlebotomy; palliative care; paediatrics = pediatrics; "
        "midwifery"
    ),
    "engineering": (
        "autocad; staad.pro = staad pro; revit; solidworks; primavera; ms project = microsoft project; "
        "estimation; surveying = survey; site supervision; quality control = qc; quality tests; plc; scada; "
        "embedded systems; vlsi; pcb design; cnc; lean; six sigma; civil engineering; mechanical engineering; "
        "electrical engineering; structural analysis; safety audits"
    ),
    "sales and service": (
        "sales; channel sales; distributor management; negotiation = negotiated; lead generation; crm = "
        "salesforce; key account management; customer service = customer support = customer calls; field sales; "
        "marketing; digital marketing; seo; content writing; social media; retail; merchandising; business "
        "development; inventory management = inventory; supply chain; logistics; procurement = purchasing"
    ),
    "people and office": (
        "communication = communication skills; leadership = led a team; teamwork = collaboration; mentoring = "
        "mentored = coaching = coached; teaching = teach = trained; presentation = presented = presentations; "
        "problem solving; project management; people management; recruitment = recruiting = hiring; ms office = "
        "microsoft office; typing; data entry; documentation = technical documentation; report writing; research; "
        "grant writing; academic writing; latex; linguistics; curriculum development; event management"
    ),
}

_VERBS: Final = (
    "accelerate achieve adapt administer advise analyse analyze architect assess assist audit author automate "
    "balance boost build calibrate care chair champion close coach code collaborate collect compile complete "
    "compose conceive conduct configure consolidate construct consult contribute control convert coordinate "
    "counsel create cut debug decrease define deliver deploy design detect develop devise diagnose digitise "
    "digitize direct document double draft drive earn edit educate eliminate enable engineer enhance ensure "
    "establish evaluate examine exceed execute expand expedite facilitate finalise finalize forecast formulate "
    "found generate grow guide halve handle head identify implement improve increase influence initiate inspect "
    "install instruct integrate introduce invent investigate launch lead lecture lower maintain manage map match "
    "measure mediate mentor merge migrate minimise minimize model modernise modernize monitor negotiate obtain "
    "open operate optimise optimize orchestrate order organise organize overhaul oversee own partner perform "
    "pilot pioneer plan prepare present prioritise prioritize process produce program promote propose prototype "
    "prove provide publish quantify raise rank rebuild recommend reconcile recover recruit redesign reduce "
    "refactor refine reengineer release reorganise reorganize repair replace report represent research resolve "
    "restructure review revise run save scale schedule secure sell serve set ship shorten simplify solve speed "
    "spearhead specify standardise standardize start steer streamline strengthen structure study supervise supply "
    "support survey sustain teach test track train transform translate triage triple troubleshoot upgrade "
    "validate verify win write"
)
_PAST_FORMS: Final = {
    "built": "build", "cut": "cut", "drove": "drive", "grew": "grow", "led": "lead", "ran": "run", "rebuilt": "rebuild",
    "sold": "sell", "sped": "speed", "taught": "teach", "won": "win", "wrote": "write", "oversaw": "oversee", "set": "set",
}  # fmt: skip
WEAK_OPENINGS: Final = re.compile(
    "(?:was |were |been )?(?:responsible for|worked (?:on|with|in)|helped|involved in|duties|part of|participated"
    "|tasked|in charge|handling of|assigned)",
    re.IGNORECASE,
)

_HEADINGS: Final[dict[str, str]] = {
    "summary": (
        "summary; profile; objective; career objective; professional summary; executive summary; career summary; "
        "about; about me; research profile; personal statement; profile summary; परिचय; उद्देश्य"
    ),
    "experience": (
        "experience; work experience; professional experience; employment; employment history; work history; "
        "career history; clinical experience; academic positions; internships; internship; industrial training; "
        "articleship; experience summary; teaching experience; relevant experience; अनुभव; कार्य अनुभव"
    ),
    "education": (
        "education; educational qualification; educational qualifications; academic qualification; academic "
        "qualifications; qualifications; qualification; academics; academic background; education and training; "
        "academic details; educational details; शिक्षा; शैक्षणिक योग्यता"
    ),
    "skills": (
        "skills; technical skills; key skills; core skills; core competencies; competencies; skill set; skills "
        "summary; expertise; areas of expertise; clinical skills; computer knowledge; computer skills; it skills; "
        "tools; technologies; professional skills; tools and technologies; technical proficiency; कौशल"
    ),
    "projects": (
        "projects; academic projects; personal projects; key projects; project work; selected projects; project "
        "experience"
    ),
    "certifications": (
        "certifications; certification; certificates; licences; licenses; registration and licences; courses; "
        "training; licenses and certifications; courses and certifications; trainings"
    ),
    "achievements": (
        "achievements; awards; honours; honors; grants and awards; awards and achievements; accomplishments; "
        "scholarships; key achievements; honours and awards"
    ),
    "publications": "publications; selected publications; papers; patents; research papers; presentations; conference papers",
    "volunteering": (
        "volunteering; volunteer work; volunteer experience; community service; extracurricular activities; "
        "positions of responsibility"
    ),
    "languages": "languages; languages known; language skills; भाषाएँ",
    "interests": "interests; hobbies; hobbies and interests; interests and hobbies",
    "other": (
        "references; declaration; personal details; personal information; additional information; contact; "
        "contact details; links; details; other details; strengths; personal profile; passport details"
    ),
}


@cache
def skills() -> dict[str, tuple[str, str]]:
    """Every name a skill goes by, normalised, with the skill's own name and its field."""
    table: dict[str, tuple[str, str]] = {}
    for skill_field, names in _SKILLS.items():
        for entry in names.split(";"):
            known = [normalised(name) for name in entry.split(" = ")]
            for name in known:
                table.setdefault(name, (known[0], skill_field))
    return table


@cache
def beginnings() -> frozenset[str]:
    """The first word of every name of a skill."""
    return frozenset(name.partition(" ")[0] for name in skills())


@cache
def headings() -> dict[str, str]:
    """Headings as people write them, casefolded, with the section they open."""
    return {title.strip(): section for section, titles in _HEADINGS.items() for title in titles.split(";")}


@cache
def _verbs() -> frozenset[str]:
    return frozenset(_VERBS.split())


@cache
def verb(word: str) -> str | None:
    """The base form of an action verb in any of its forms; None for another word."""
    plain = word.casefold()
    if plain in _PAST_FORMS:
        return _PAST_FORMS[plain]
    stems = [plain]
    for ending in ("s", "d", "es", "ed", "ing"):
        if plain.endswith(ending):
            stem = plain[: -len(ending)]
            stems += [stem, stem + "e", stem[:-1], f"{stem[:-1]}y" if stem.endswith("i") else stem]
    return next((stem for stem in stems if stem in _verbs()), None)


_TOKEN: Final = re.compile("[\\w\u0900-\u0dff+#.]+")


def tokens(text: str) -> list[str]:
    """Words in lower case without punctuation; C++, C#, .NET and Node.js stay what they are."""
    plain = text.casefold().replace("\u2019", "'").replace("&", " and ").replace("'s ", " ").replace("_", " ")
    found = (token.rstrip(".") for token in _TOKEN.findall(plain))
    return [token for token in found if token.strip("+#")]


def normalised(phrase: str) -> str:
    return " ".join(tokens(phrase))
