"""The routes of attributes: every category and type, options, and what deleting takes along."""

from collections.abc import Callable

import pytest

from customer_sync.sandbox import Language, Settings
from sandboxes import Brevo

OpenBrevo = Callable[[Settings], Brevo]
BASE = "/contacts/attributes"


def attributes(brevo: Brevo) -> dict[str, dict[str, object]]:
    """Return all attributes by name."""
    return {each["name"]: each for each in brevo.get(BASE).json()["attributes"]}


def test_a_fresh_account_has_identifiers_and_names(open_brevo: OpenBrevo) -> None:
    """Every account begins with the attributes that contacts are known and greeted by."""
    brevo = open_brevo(Settings())
    brevo.sandbox.reset()
    assert set(attributes(brevo)) == {
        "EMAIL",
        "FIRSTNAME",
        "LASTNAME",
        "EXT_ID",
        "SMS",
        "WHATSAPP",
        "LANDLINE_NUMBER",
    }


@pytest.mark.parametrize(
    ("language", "names"),
    [
        (Language.FRENCH, {"PRENOM", "NOM"}),
        (Language.GERMAN, {"VORNAME", "NACHNAME"}),
        (Language.SPANISH, {"NOMBRE", "APELLIDOS"}),
        (Language.ITALIAN, {"NOME", "COGNOME"}),
        (Language.PORTUGUESE, {"NOME", "SOBRENOME"}),
    ],
)
def test_names_are_in_the_language_of_the_account(
    open_brevo: OpenBrevo, language: Language, names: set[str]
) -> None:
    """An account that was opened in another language has other names for names."""
    found = set(attributes(open_brevo(Settings(language=language))))
    assert names <= found
    assert "FIRSTNAME" not in found


def test_newer_accounts_have_more(open_brevo: OpenBrevo) -> None:
    """What newer accounts begin with is a switch."""
    found = attributes(open_brevo(Settings(newer_account_attributes=True)))
    assert {"OPT_IN", "DOUBLE_OPT-IN", "CONTACT_TIMEZONE", "JOB_TITLE", "LINKEDIN"} <= set(found)


@pytest.mark.parametrize("kind", ["text", "date", "float", "boolean", "user"])
def test_a_normal_attribute_is_made(brevo: Brevo, kind: str) -> None:
    """Creation answers 201 without a body; the name is in upper case ever after."""
    answer = brevo.post(f"{BASE}/normal/new_one", {"type": kind})
    assert (answer.status_code, answer.content) == (201, b"")
    assert attributes(brevo)["NEW_ONE"] == {
        "name": "NEW_ONE",
        "category": "normal",
        "type": kind,
        "field_key": "new_one",
    }


@pytest.mark.parametrize("kind", ["text", "date", "float", "boolean", "id"])
def test_a_transactional_attribute_is_made(brevo: Brevo, kind: str) -> None:
    """Orders have attributes too, and ids among them."""
    assert brevo.post(f"{BASE}/transactional/ORDER", {"type": kind}).status_code == 201
    assert attributes(brevo)["ORDER"]["type"] == kind


def test_a_multiple_choice_is_made_with_its_options(brevo: Brevo) -> None:
    """Options come as texts and show as such."""
    body = {"type": "multiple-choice", "multiCategoryOptions": ["a", "b"]}
    brevo.post(f"{BASE}/normal/CHOICE", body)
    assert attributes(brevo)["CHOICE"]["multiCategoryOptions"] == ["a", "b"]


def test_a_category_shows_no_type(brevo: Brevo) -> None:
    """Its options show value, label and the value as text."""
    body = {"enumeration": [{"value": 1, "label": "S"}, {"value": 2, "label": "M"}]}
    brevo.post(f"{BASE}/category/SIZE", body)
    assert attributes(brevo)["SIZE"] == {
        "name": "SIZE",
        "category": "category",
        "field_key": "size",
        "enumeration": [
            {"value": 1, "label": "S", "valueStr": "1"},
            {"value": 2, "label": "M", "valueStr": "2"},
        ],
    }


@pytest.mark.parametrize("category", ["calculated", "global"])
def test_a_computed_attribute_has_a_formula(brevo: Brevo, category: str) -> None:
    """Calculated and global attributes are made of a formula, which can be changed."""
    path = f"{BASE}/{category}/COUNTED"
    assert brevo.post(path, {"value": "COUNT[A]", "isRecurring": True}).status_code == 201
    assert brevo.put(path, {"value": "COUNT[B]"}).status_code == 204
    assert attributes(brevo)["COUNTED"]["calculatedValue"] == "COUNT[B]"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("normal/NEW", {}),
        ("normal/NEW", {"type": "number"}),
        ("normal/NEW", {"type": "id"}),
        ("normal/NEW", {"type": "category"}),
        ("normal/NEW", {"type": "multiple-choice"}),
        ("normal/NEW", {"type": "multiple-choice", "multiCategoryOptions": [1]}),
        ("normal/NEW", {"type": "multiple-choice", "multiCategoryOptions": ["x" * 201]}),
        ("normal/NEW", {"type": "multiple-choice", "multiCategoryOptions": [""]}),
        ("transactional/NEW", {"type": "user"}),
        ("transactional/NEW", {"type": "multiple-choice", "multiCategoryOptions": ["a"]}),
        ("category/NEW", {"type": "text"}),
        ("category/NEW", {"type": "category"}),
        ("category/NEW", {"enumeration": [1]}),
        ("category/NEW", {"enumeration": [{"value": 1}]}),
        ("category/NEW", {"enumeration": [{"label": "S"}]}),
        ("category/NEW", {"enumeration": [{"value": 1, "label": "x" * 201}]}),
        ("calculated/NEW", {}),
        ("global/NEW", {"type": "float"}),
        ("special/NEW", {"type": "text"}),
        ("normal/N%C3%84ME", {"type": "text"}),
        ("normal/A%22B", {"type": "text"}),
    ],
)
def test_an_attribute_must_fit_its_category(
    brevo: Brevo, path: str, body: dict[str, object]
) -> None:
    """Types belong to categories, options have a length, and names are plain."""
    assert brevo.post(f"{BASE}/{path}", body).status_code == 400


def test_a_name_is_unique(brevo: Brevo) -> None:
    """A second attribute of the same name is refused, whatever its category."""
    answer = brevo.post(f"{BASE}/transactional/total", {"type": "float"})
    assert answer.status_code == 400
    assert "unique" in answer.json()["message"]


def test_an_account_may_have_a_quota(open_brevo: OpenBrevo) -> None:
    """How many attributes there may be is a switch."""
    brevo = open_brevo(Settings(attribute_quota=13))
    statuses = [
        brevo.post(f"{BASE}/normal/N{each}", {"type": "text"}).status_code for each in (1, 2)
    ]
    assert statuses == [201, 400]


def test_options_are_added_to_a_choice(brevo: Brevo) -> None:
    """Updating a multiple choice adds; what is there stays."""
    assert brevo.put(f"{BASE}/normal/TAGS", {"multiCategoryOptions": ["pink"]}).status_code == 204
    assert attributes(brevo)["TAGS"]["multiCategoryOptions"] == ["red", "green", "blue", "pink"]


def test_a_category_is_renamed_under_its_contacts(brevo: Brevo) -> None:
    """A contact holds the number, so a new label shows at once."""
    brevo.create(attributes={"GENDER": "Men"})
    body = {"enumeration": [{"value": 1, "label": "W"}, {"value": 2, "label": "M"}]}
    assert brevo.put(f"{BASE}/category/GENDER", body).status_code == 204
    assert brevo.attributes()["GENDER"] == "M"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("normal/TOTAL", 400),
        ("normal/NOPE", 404),
        ("category/TAGS", 404),
        ("transactional/TOTAL", 400),
    ],
)
def test_only_options_and_formulas_can_be_updated(brevo: Brevo, path: str, status: int) -> None:
    """A type never changes, and what is not there cannot."""
    body = {"type": "text", "multiCategoryOptions": ["x"]}
    assert brevo.put(f"{BASE}/{path}", body).status_code == status


def test_deleting_an_attribute_deletes_its_values(brevo: Brevo) -> None:
    """An attribute that is made again begins empty."""
    brevo.create(attributes={"TOTAL": 5, "FIRSTNAME": "Jane"})
    statuses = [brevo.delete(f"{BASE}/normal/TOTAL").status_code for _ in range(2)]
    brevo.post(f"{BASE}/normal/TOTAL", {"type": "float"})
    assert statuses == [204, 404]
    assert brevo.attributes() == {"FIRSTNAME": "Jane"}


def test_identifiers_cannot_be_deleted(brevo: Brevo) -> None:
    """What contacts are known by stays."""
    assert brevo.delete(f"{BASE}/normal/SMS").status_code == 400


def test_deleting_an_option_takes_it_from_contacts(brevo: Brevo) -> None:
    """One option goes, from the attribute and from everybody who had it."""
    brevo.create(attributes={"TAGS": ["red", "blue"]})
    brevo.create("joan@example.com", attributes={"TAGS": ["red"], "TOTAL": 1})
    statuses = [brevo.delete(f"{BASE}/multiple-choice/TAGS/red").status_code for _ in range(2)]
    assert statuses == [204, 404]
    assert brevo.attributes() == {"TAGS": ["blue"]}
    assert brevo.attributes("joan@example.com") == {"TOTAL": 1}
    assert attributes(brevo)["TAGS"]["multiCategoryOptions"] == ["green", "blue"]


@pytest.mark.parametrize(
    ("path", "status"), [("text/TAGS/red", 400), ("multiple-choice/TOTAL/red", 404)]
)
def test_only_a_multiple_choice_loses_options(brevo: Brevo, path: str, status: int) -> None:
    """Other types have none to lose."""
    assert brevo.delete(f"{BASE}/{path}").status_code == status
