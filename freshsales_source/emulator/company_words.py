"""Words from which the generated company is made: names, places and trades in several scripts."""

from __future__ import annotations

from typing import NamedTuple


class Region(NamedTuple):
    """Names and places that belong together."""

    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    places: tuple[tuple[str, str | None, str], ...]
    phone: str
    domain: str


REGIONS: tuple[Region, ...] = (
    Region(
        ("Emily", "Jacob", "Olivia", "Marcus", "Hannah", "Tyler", "Grace", "Ethan"),
        ("Walker", "Bennett", "O'Neill", "Carter", "Nguyen", "Brooks", "St. John", "Reyes"),
        (("Chicago", "Illinois", "USA"), ("Austin", "Texas", "USA"), ("Toronto", "Ontario", "Canada")),
        "+1 312-555-{:04d}",
        "com",
    ),
    Region(
        ("Jürgen", "Zoë", "Søren", "Małgorzata", "François", "Iñigo", "Ağça", "Þóra"),
        ("Müller", "Łukaszewicz", "Åkesson", "Nuñez", "Dvořák", "Șerban", "Çelik", "Lefèvre"),
        (("Köln", None, "Germany"), ("Łódź", None, "Poland"), ("Málaga", "Andalucía", "Spain")),
        "+49 221 55{:05d}",
        "de",
    ),
    Region(
        ("अनन्या", "रोहन", "प्रिया", "विक्रम", "काव्या", "अर्जुन"),
        ("शर्मा", "पटेल", "अय्यर", "गुप्ता", "सिंह", "जोशी"),
        (("पुणे", "महाराष्ट्र", "India"), ("जयपुर", "राजस्थान", "India")),
        "+91 20 555 {:05d}",
        "in",
    ),
    Region(
        ("陽菜", "大輔", "さくら", "健太", "美咲", "蓮"),
        ("佐藤", "鈴木", "高橋", "田中", "渡辺", "髙﨑"),
        (("東京", "東京都", "Japan"), ("大阪市", "大阪府", "Japan")),
        "+81 3-5550-{:04d}",
        "jp",
    ),
    Region(
        ("ليلى", "عمر", "فاطمة", "يوسف", "نور", "خالد"),
        ("الحسيني", "منصور", "العلي", "حداد", "النجار", "بن سعيد"),
        (("دبي", None, "United Arab Emirates"), ("عمّان", None, "Jordan")),
        "+971 4 555 {:04d}",
        "ae",
    ),
)

OWNERS: tuple[tuple[str, str], ...] = (
    ("Priya Raman", "priya.raman"),
    ("Tomás Ortega", "tomas.ortega"),
    ("Ingrid Sørensen", "ingrid.sorensen"),
    ("Daniel Okafor", "daniel.okafor"),
    ("Mei Tanaka", "mei.tanaka"),
    ("Leïla Haddad", "leila.haddad"),
    ("Jack Whitfield", "jack.whitfield"),
    ("Aarav Mehta", "aarav.mehta"),
)
TERRITORIES = ("Americas", "Europe", "Asia", "Middle East")
INDUSTRIES = ("Software", "Manufacturing", "Logistics", "Health care", "Retail", "Energy", "Education")
COMPANY_FIRST = (
    "North",
    "Blue",
    "Alpine",
    "Bright",
    "Silver",
    "Harbour",
    "Green",
    "Summit",
    "Río",
    "Étoile",
    "Über",
)
COMPANY_LAST = ("wind", "field", "bridge", "stone", "water", "light", "path", "works", "craft", "line")
COMPANY_FORM = ("Ltd", "GmbH", "Inc.", "S.A.", "AB", "株式会社", "प्रा. लि.", "ش.م.م", "& Sons", "Group")
JOB_TITLES = (
    "Buyer",
    "Head of IT",
    "CEO",
    "Operations Manager",
    "Plant Manager",
    "Directrice des achats",
    "部長",
)
DEAL_NAMES = (
    "licences",
    "pilot",
    "roll-out",
    "renewal",
    "support plan",
    "training",
    "expansion",
    "migration",
)
TAGS = ("vip", "newsletter", "trade fair", "partner", "wichtig", "重要", "🔥 hot", "do-not-call")
NOTES = (
    "Asked for a quote; call back after the holidays.",
    "Sehr zufrieden mit der Vorführung.\nZweites Treffen im März.",
    "価格が高いとのこと。再提案する。",
    "बजट अगली तिमाही में मिलेगा।",
    "مهتم بالعقد السنوي",
    'Said "maybe"; likes 🚀 and; semicolons, commas',
)
TASK_TITLES = (
    "Send the proposal",
    "Call back",
    "Check the invoice",
    "Angebot nachfassen",
    "見積書を送る",
    "कोटेशन भेजें",
    "إرسال العقد",
)
MEETING_TITLES = ("Kick-off", "Product demo", "Contract review", "Vertragsgespräch", "定例会議", "Weekly 🚀")
LOCATIONS = ("Zoom", "Room 4.12", "Hilton Hotel, Bucks Road", "東京本社", "Köln, Domplatte")
ACTIVITY_TITLES = ("Call", "Demo", "Site visit", "Telefonat", "電話")
# (name, its outcomes); the last one is the account's own.
ACTIVITY_TYPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Phone", ("Interested", "Left a message", "Not interested")),
    ("Meeting", ("Held", "Postponed")),
    ("Site visit", ("Order placed", "Nobody there")),
)
PRODUCTS = (
    "Starter plan",
    "Business plan",
    "Enterprise plan",
    "Onboarding",
    "Schulung",
    "センサー",
    "Gateway",
)
PIPELINES: tuple[tuple[str, int, tuple[tuple[str, str, int], ...]], ...] = (
    (
        "New business",
        30,
        (
            ("New", "Open", 10),
            ("Qualification", "Open", 25),
            ("Proposal", "Open", 50),
            ("Negotiation", "Open", 75),
            ("Won", "Closed Won", 100),
            ("Lost", "Closed Lost", 0),
        ),
    ),
    (
        "Renewals",
        45,
        (
            ("Due", "Open", 60),
            ("In talks", "Open", 80),
            ("Renewed", "Closed Won", 100),
            ("Churned", "Closed Lost", 0),
        ),
    ),
    (
        "Partner deals",
        60,
        (
            ("Registered", "Open", 20),
            ("Joint pitch", "Open", 40),
            ("Closed with partner", "Closed Won", 100),
            ("Dropped", "Closed Lost", 0),
        ),
    ),
)
