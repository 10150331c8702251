"""Where a large fictional company has offices, and how people are called there.

Company, places and people are made up; names are common ones of each country, so that
transliteration, double names and clashes of names have something to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.workday import BERLIN, GOTHENBURG, LEEDS, Office


@dataclass(frozen=True)
class Place:
    """An office, its share of the company in percent, and names to choose from."""

    office: Office
    share: int
    given: Sequence[str]
    family: Sequence[str]


_LYON = Office(
    "Norhaven SAS", "N140", "Lyon", "LYS", "3 rue des Opticiens", "69003", "FRA",
    "Europe/Paris", "fr-FR", "+33 4 55 50 40",
)  # fmt: skip
_KRAKOW = Office(
    "Norhaven Sp. z o.o.", "N150", "Kraków", "KRK", "ul. Szklarska 9", "30-001", "POL",
    "Europe/Warsaw", "pl-PL", "+48 12 555 40",
)  # fmt: skip
_AUSTIN = Office(
    "Norhaven Inc.", "N200", "Austin", "AUS", "480 Prism Avenue", "78701", "USA",
    "America/Chicago", "en-US", "+1 512 555 40",
)  # fmt: skip
_PUNE = Office(
    "Norhaven Pvt Ltd", "N210", "Pune", "PNQ", "7 Lens Park Road", "411001", "IND",
    "Asia/Kolkata", "en-IN", "+91 20 5555 40",
)  # fmt: skip
_OSAKA = Office(
    "Norhaven KK", "N220", "Osaka", "OSA", "2-14 Glass Street", "530-0001", "JPN",
    "Asia/Tokyo", "ja-JP", "+81 6 5555 40",
)  # fmt: skip

PLACES: tuple[Place, ...] = (
    Place(
        BERLIN, 24,
        ("Anja", "Birgit", "Claudia", "Dörte", "Emil", "Friederike", "Günter", "Heike", "Ingo",
         "Jörg", "Katrin", "Lutz", "Maren", "Norbert", "Özlem", "Ralf", "Sören", "Ute"),
        ("Ackermann", "Böhm", "Dreßler", "Ebert", "Förster", "Großmann", "Hübner", "Jäger",
         "Köhler", "Lüdtke", "Müller-Lang", "Nowotny", "Preuß", "Rößler", "Schäfer", "Thömmes",
         "Uhlig", "von Brandt", "Weiß", "Zöllner"),
    ),
    Place(
        GOTHENBURG, 14,
        ("Agneta", "Björn", "Cecilia", "Dag", "Elsa", "Frida", "Gösta", "Håkan", "Ingrid", "Jonas",
         "Kajsa", "Lars", "Märta", "Nils", "Åsa", "Örjan", "Petter", "Sölve"),
        ("Åkesson", "Björklund", "Dahlström", "Engström", "Falk", "Göransson", "Hedlund",
         "Järvinen", "Källström", "Lindgren", "Måneskär", "Nyström", "Öberg", "Persson-Rask",
         "Rydén", "Sjöholm", "Törnqvist", "Ulfsdotter", "Wallin", "Ögren"),
    ),
    Place(
        LEEDS, 16,
        ("Alastair", "Bronwen", "Ciarán", "Deirdre", "Eleanor", "Fergus", "Gwen", "Harriet",
         "Imogen", "Joel", "Kiera", "Lachlan", "Maeve", "Niall", "Orla", "Padraig", "Rhys",
         "Siân"),
        ("Ashworth", "Birtwistle", "Clough", "D'Arcy", "Entwistle", "Fothergill", "Grimshaw",
         "Hartley-Cole", "Ibbotson", "Jagger", "Kershaw", "Lumley", "McAllister", "Naylor",
         "O'Keeffe", "Pickersgill", "Ramsden", "Sutcliffe", "Thackray", "Wolstenholme"),
    ),
    Place(
        _LYON, 10,
        ("Aurélie", "Benoît", "Chloé", "Damien", "Élodie", "François", "Geneviève", "Hélène",
         "Inès", "Jérôme", "Lætitia", "Mathéo", "Noëlle", "Océane", "Rémi", "Solène", "Théo",
         "Zoé"),
        ("Aubert", "Bélanger", "Châtelain", "Delaunay", "Étienne", "Forêt", "Gérard", "Hébrard",
         "Jospin-Roux", "Kermorgant", "L'Hermitte", "Moreau", "Nuñez", "Pâquet", "Roûgé",
         "Sévigny", "Tréhot", "Vasseur", "de la Tour", "Zeller"),
    ),
    Place(
        _KRAKOW, 10,
        ("Agnieszka", "Bogdan", "Czesław", "Dorota", "Elżbieta", "Franciszek", "Grażyna", "Halina",
         "Ireneusz", "Jadwiga", "Kazimierz", "Łucja", "Mirosław", "Natalia", "Przemysław",
         "Róża", "Sławomir", "Żaneta"),
        ("Adamczyk", "Błaszczyk", "Ćwikła", "Dąbek", "Gąsior", "Jabłoński", "Kołodziej",
         "Łukasik", "Mączka", "Nowakowski", "Ostrowska", "Pawłowicz", "Rączka", "Sęk",
         "Śliwa", "Tkaczyk", "Wójtowicz", "Zając", "Żurek", "Źrebiec"),
    ),
    Place(
        _AUSTIN, 12,
        ("Ashley", "Brandon", "Carmen", "Deshawn", "Esperanza", "Frank", "Grace", "Hector",
         "Isabella", "Jamal", "Kayla", "Luis", "Madison", "Noah", "Olivia", "Peter", "Quincy",
         "Rosa"),
        ("Abernathy", "Brookfield", "Castañeda", "Delgado", "Eastman", "Fontenot", "Gallagher",
         "Hollister", "Ibarra", "Jefferson", "Kowalczyk", "Ledoux", "Martínez-Vega", "Nguyen",
         "Oakley", "Peña", "Quiroz", "Rutledge", "Stoddard", "Yazzie"),
    ),
    Place(
        _PUNE, 10,
        ("Aarav", "Bhavna", "Chetan", "Deepika", "Eshan", "Farida", "Gaurav", "Harini", "Ishaan",
         "Jyoti", "Kavita", "Lakshmi", "Manish", "Nandini", "Omkar", "Pooja", "Rohan", "Sunita"),
        ("Agarwal", "Bhattacharya", "Chaudhari", "Deshpande", "Gokhale", "Hegde", "Iyer",
         "Joshi", "Kulkarni", "Lokhande", "Mukherjee", "Nair", "Oberoi", "Patwardhan", "Qureshi",
         "Rao", "Shinde", "Tendulkar", "Venkatesan", "Wagle"),
    ),
    Place(
        _OSAKA, 4,
        ("Akari", "Daisuke", "Emi", "Fumiko", "Goro", "Haruto", "Izumi", "Jun", "Kaori", "Mei",
         "Naoki", "Rin", "Sakura", "Takumi", "Umeko", "Wataru", "Yūko", "Zen"),
        ("Aoki", "Chiba", "Endō", "Fujimoto", "Gotō", "Hayashida", "Itō", "Kōno", "Matsuda",
         "Nakagawa", "Ōshima", "Ryūzaki", "Saitō", "Takeda", "Uchida", "Wada", "Yamaguchi",
         "Yoshioka", "Zenda", "Hoshino"),
    ),
)  # fmt: skip

DEPARTMENTS: dict[str, tuple[str, ...]] = {
    "Lens Design": ("Optical Engineer", "Optical Designer", "Simulation Engineer"),
    "Production": ("Lens Polisher", "Coating Specialist", "Shift Lead", "Machine Operator"),
    "Quality": ("Quality Inspector", "Metrologist"),
    "Sales": ("Account Manager", "Sales Engineer", "Key Account Manager"),
    "Service": ("Field Technician", "Service Coordinator"),
    "Finance": ("Accountant", "Controller"),
    "People": ("HR Partner", "Recruiter"),
    "IT": ("IT Administrator", "Developer", "Support Analyst"),
}
"""Department -> titles."""
