import copy
import json
import time

import pytest

from mlflow_genie_plugin.errors import InvalidSpaceError, TemplateSpaceError
from mlflow_genie_plugin.space.normalise import normalise_for_write
from mlflow_genie_plugin.space.parse import read_space_file
from mlflow_genie_plugin.space.validate import Limits, errors_of, require_valid, validate_space

ID = "0123456789abcdef0123456789abcde"


def rules(document, limits=None):
    found = validate_space(document, limits) if limits else validate_space(document)
    return [violation.rule for violation in found]


def test_a_space_with_every_field_is_valid_in_both_versions(space_tools):
    assert validate_space(space_tools.full()) == []
    assert validate_space(space_tools.version_1_of(space_tools.full())) == []


def test_the_smallest_space_the_server_takes_is_valid_with_a_word_of_advice():
    assert rules({"version": 2, "data_sources": {}}) == ["no-data-source"]
    assert errors_of({"version": 1}) == []


def tables(document):
    return document["data_sources"]["tables"]


def part(document, name):
    return document["instructions"][name]


def questions(document):
    return document["benchmarks"]["questions"]


def many_functions(document, count):
    part(document, "sql_functions")[:] = [{"id": f"{n:031x}f", "identifier": f"a.b.f{n:03}"} for n in range(count)]


def many_tables(document, count):
    document["data_sources"].pop("metric_views")
    tables(document)[2:] = [{"identifier": f"zz.b.t{n:03}"} for n in range(count - 2)]


def many_benchmarks(document, count):
    answer = [{"format": "SQL", "content": ["SELECT 1"]}]
    questions(document)[:] = [{"id": f"{n:031x}b", "question": ["q?"], "answer": answer} for n in range(count)]


def many_filters(document, count):
    part(document, "sql_snippets")["filters"] = [
        {"id": f"{n:031x}f", "sql": ["x > 1"], "display_name": "n"} for n in range(count)
    ]


def many_matched(document, count):
    tables(document)[1]["column_configs"] = [
        {"column_name": f"c{n:03}", "enable_format_assistance": True, "enable_entity_matching": True}
        for n in range(count)
    ]


def join(document):
    return part(document, "join_specs")[0]


def parameters(document):
    return part(document, "example_question_sqls")[0]["parameters"]


# One edit of the valid document, the only finding it may cause, and where. Severity "warning" is marked with a "~".
ALONE = [
    ("version", "$.version", lambda d: d.update(version=3)),
    ("required-field", "$.version", lambda d: d.pop("version")),
    ("required-field", "$.instructions.sql_snippets.measures[0].display_name",
     lambda d: part(d, "sql_snippets")["measures"][0].pop("display_name")),
    ("required-field", "$.config.sample_questions[0].id", lambda d: d["config"]["sample_questions"][0].pop("id")),
    ("unknown-field", "$.title", lambda d: d.update(title="x")),
    ("unknown-field", "$.config.name", lambda d: d["config"].update(name="x")),
    ("unknown-field", "$.benchmarks.questions[0].priority", lambda d: questions(d)[0].update(priority="P0")),
    ("text-array", "$.data_sources.tables[0].description", lambda d: tables(d)[0].update(description="x")),
    ("type", "$.data_sources.tables[0].column_configs[0].exclude",
     lambda d: tables(d)[0]["column_configs"][0].update(exclude=1)),
    ("type", "$.instructions.text_instructions[0].content[1]",
     lambda d: part(d, "text_instructions")[0]["content"].__setitem__(1, None)),
    ("type", "$.config.sample_questions[0]", lambda d: d["config"]["sample_questions"].__setitem__(0, "What?")),
    ("answer-format", "$.benchmarks.questions[0].answer[0].format",
     lambda d: questions(d)[0]["answer"][0].update(format="TEXT")),
    ("id-format", "$.instructions.text_instructions[0].id",
     lambda d: part(d, "text_instructions")[0].update(id="q1")),
    ("id-format", "$.instructions.text_instructions[0].id",
     lambda d: part(d, "text_instructions")[0].update(id=(ID + "F"))),
    ("id-format", "$.instructions.text_instructions[0].id",
     lambda d: part(d, "text_instructions")[0].update(id="0" * 32)),
    ("id-format", "$.instructions.text_instructions[0].id",
     lambda d: part(d, "text_instructions")[0].update(id=ID + "0\n")),
    ("id-unique", "$.benchmarks.questions[0].id",
     lambda d: (questions(d).__delitem__(slice(1, None)),
                questions(d)[0].update(id=d["config"]["sample_questions"][0]["id"]))),
    ("identifier-format", "$.data_sources.metric_views[0].identifier",
     lambda d: d["data_sources"]["metric_views"][0].update(identifier="sales.revenue")),
    ("identifier-format", "$.data_sources.metric_views[0].identifier",
     lambda d: d["data_sources"]["metric_views"][0].update(identifier="a.b.c d")),
    ("identifier-format", "$.instructions.sql_functions[1].identifier",
     lambda d: part(d, "sql_functions")[1].update(identifier="f")),
    ("identifier-unique", "$.data_sources.metric_views[0].identifier",
     lambda d: d["data_sources"]["metric_views"][0].update(identifier="MAIN.sales.orders")),
    ("function-unique", "$.instructions.sql_functions[1].identifier",
     lambda d: part(d, "sql_functions")[1].update(identifier=part(d, "sql_functions")[0]["identifier"])),
    ("column-unique", "$.data_sources.tables[1].column_configs[1].column_name",
     lambda d: tables(d)[1]["column_configs"].append({"column_name": "amount"})),
    ("order", "$.data_sources.tables[1]", lambda d: tables(d).reverse()),
    ("order", "$.data_sources.tables[0].column_configs[1]", lambda d: tables(d)[0]["column_configs"].reverse()),
    ("order", "$.instructions.example_question_sqls[1]", lambda d: part(d, "example_question_sqls").reverse()),
    ("order", "$.instructions.sql_functions[1]", lambda d: part(d, "sql_functions").reverse()),
    ("order", "$.instructions.join_specs[1]", lambda d: part(d, "join_specs").reverse()),
    ("order", "$.instructions.sql_snippets.filters[1]", lambda d: part(d, "sql_snippets")["filters"].reverse()),
    ("~order-cosmetic", "$.benchmarks.questions[1]", lambda d: questions(d).reverse()),
    ("~order-cosmetic", "$.config.sample_questions[1]", lambda d: d["config"]["sample_questions"].reverse()),
    ("~many-data-sources", "$.data_sources", lambda d: many_tables(d, 31)),
    ("limit-data-sources", "$.data_sources", lambda d: many_tables(d, 51)),
    ("limit-functions", "$.instructions.sql_functions", lambda d: many_functions(d, 51)),
    ("limit-benchmarks", "$.benchmarks.questions", lambda d: many_benchmarks(d, 501)),
    ("limit-snippets", "$.instructions.sql_snippets", lambda d: many_filters(d, 200)),
    ("limit-entity-matching", "$.data_sources", lambda d: many_matched(d, 120)),
    ("limit-text-instructions", "$.instructions.text_instructions",
     lambda d: part(d, "text_instructions").append({"id": "f" * 32, "content": ["x"]})),
    ("limit-characters", "$.instructions.text_instructions[0].content[0]",
     lambda d: part(d, "text_instructions")[0].update(content=["x" * 25_001])),
    ("limit-items", "$.instructions.text_instructions[0].content",
     lambda d: part(d, "text_instructions")[0].update(content=["x\n"] * 10_001)),
    ("flag-version", "$.data_sources.tables[1].column_configs[0].get_example_values",
     lambda d: tables(d)[1]["column_configs"][0].update(get_example_values=True)),
    ("entity-matching", "$.data_sources.tables[1].column_configs[0].enable_entity_matching",
     lambda d: tables(d)[1]["column_configs"][0].update(enable_entity_matching=True)),
    ("join-elements", "$.instructions.join_specs[0].sql", lambda d: join(d).update(sql=["".join(join(d)["sql"])])),
    ("join-elements", "$.instructions.join_specs[0].sql", lambda d: join(d)["sql"].insert(1, "\n")),
    ("join-relationship", "$.instructions.join_specs[0].sql[1]",
     lambda d: join(d)["sql"].__setitem__(1, "--rt=MANY_TO_ONE--")),
    ("join-relationship", "$.instructions.join_specs[0].sql[1]",
     lambda d: join(d)["sql"].__setitem__(1, "--rt=FROM_RELATIONSHIP_TYPE_SOME_TO_ONE--")),
    ("~join-relationship", "$.instructions.join_specs[0].sql[1]",
     lambda d: join(d)["sql"].__setitem__(1, "--rt=FROM_RELATIONSHIP_TYPE_UNSPECIFIED--")),
    ("join-condition", "$.instructions.join_specs[0].sql[0]",
     lambda d: join(d)["sql"].__setitem__(0, "o.a = c.a AND o.b = c.b")),
    ("join-condition", "$.instructions.join_specs[0].sql[0]", lambda d: join(d)["sql"].__setitem__(0, "o.a > c.a")),
    ("join-condition", "$.instructions.join_specs[0].sql[0]", lambda d: join(d)["sql"].__setitem__(0, "")),
    ("join-alias", "$.instructions.join_specs[0].sql[0]", lambda d: join(d)["sql"].__setitem__(0, "x.a = c.a")),
    ("join-alias", "$.instructions.join_specs[0].sql[0]", lambda d: join(d)["sql"].__setitem__(0, "a = b")),
    ("join-alias", "$.instructions.join_specs[0].sql[0]", lambda d: join(d)["right"].update(alias="O")),
    ("~join-unknown-table", "$.instructions.join_specs[0].left.identifier",
     lambda d: join(d)["left"].update(identifier="main.sales.lost")),
    ("benchmark-answer", "$.benchmarks.questions[0].answer", lambda d: questions(d)[0].update(answer=[])),
    ("benchmark-answer", "$.benchmarks.questions[0].answer", lambda d: questions(d)[0]["answer"].extend(
        [{"format": "SQL", "content": ["SELECT 2"]}])),
    ("empty-text", "$.benchmarks.questions[0].answer[0].content",
     lambda d: questions(d)[0]["answer"][0].update(content=[" \n"])),
    ("empty-text", "$.instructions.example_question_sqls[0].sql",
     lambda d: part(d, "example_question_sqls")[0].update(sql=[])),
    ("empty-text", "$.instructions.sql_snippets.measures[0].display_name",
     lambda d: part(d, "sql_snippets")["measures"][0].update(display_name="")),
    ("parameter-unique", "$.instructions.example_question_sqls[0].parameters[1].name",
     lambda d: parameters(d)[1].update(name="start")),
    ("~fused-lines", "$.instructions.text_instructions[0].content[0]",
     lambda d: part(d, "text_instructions")[0].update(content=["Revenue is net.", "Use euros."])),
    ("~fused-lines", "$.instructions.example_question_sqls[0].sql[0]",
     lambda d: part(d, "example_question_sqls")[0].update(sql=["SELECT 1", "FROM main.sales.orders"])),
    ("~fused-lines", "$.benchmarks.questions[0].answer[0].content[0]",
     lambda d: questions(d)[0]["answer"][0].update(content=["SELECT 1 -- one", " FROM main.sales.orders"])),
    ("~fused-lines", "$.data_sources.tables[0].column_configs[1].description[0]",
     lambda d: tables(d)[0]["column_configs"][1].update(description=["a", "b"])),
    ("~filter-where", "$.instructions.sql_snippets.filters[0].sql",
     lambda d: part(d, "sql_snippets")["filters"][0].update(sql=["WHERE x > 1"])),
    ("~announced-field", "$.data_sources.volumes", lambda d: d["data_sources"].update(volumes=[{}])),
    ("template", "$.data_sources.metric_views[0].identifier",
     lambda d: d["data_sources"]["metric_views"][0].update(identifier="${catalog}.sales.revenue")),
    ("template", "$.benchmarks.questions[0].answer[0].content[0]",
     lambda d: questions(d)[0]["answer"][0].update(content=["SELECT * FROM {{ schema }}.orders"])),
    ("template", "$.data_sources.metric_views[0].identifier",
     lambda d: d["data_sources"]["metric_views"][0].update(identifier="<your-catalog>.sales.revenue")),
    ("template", "$.instructions.text_instructions[0].id",
     lambda d: part(d, "text_instructions")[0].update(id="{{ uuid }}")),
    ("~template-text", "$.instructions.text_instructions[0].content[0]",
     lambda d: part(d, "text_instructions")[0].update(content=["Use ${catalog}."])),
    ("~template-text", "$.instructions.sql_snippets.filters[0].sql[0]",
     lambda d: part(d, "sql_snippets")["filters"][0].update(sql=["x LIKE '%${y}%'"])),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "spoil"), ALONE, ids=[f"{n}-{case[0]}" for n, case in enumerate(ALONE)])
def test_each_rule_is_tripped_alone_at_its_place(full_space, rule, path, spoil):
    spoil(full_space)
    found = validate_space(full_space)
    severity = "warning" if rule.startswith("~") else "error"
    assert [(v.rule, v.path, v.severity) for v in found] == [(rule.removeprefix("~"), path, severity)]
    assert found[0].message


def test_instructions_are_counted_with_functions_and_the_text(full_space):
    part(full_space, "example_question_sqls")[:] = [
        {"id": f"{n:031x}e", "question": ["q?"], "sql": ["SELECT 1"]} for n in range(60)
    ]
    many_functions(full_space, 39)
    assert validate_space(full_space) == []
    many_functions(full_space, 40)
    assert rules(full_space) == ["limit-instructions"]
    assert "101 instructions" in validate_space(full_space)[0].message


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        (Limits(data_sources=2), "limit-data-sources"),
        (Limits(data_sources_advised=2), "many-data-sources"),
        (Limits(instructions=5), "limit-instructions"),
        (Limits(snippets=7), "limit-snippets"),
        (Limits(functions=1), "limit-functions"),
        (Limits(text_instructions=0), "limit-text-instructions"),
        (Limits(benchmarks=2), "limit-benchmarks"),
        (Limits(entity_matching_columns=0), "limit-entity-matching"),
    ],
)
def test_limits_are_settings(full_space, limits, rule):
    assert rules(full_space, limits) == [rule]


def test_the_sizes_of_strings_and_lists_are_settings_too(full_space):
    longest = 47
    assert set(rules(full_space, Limits(string_characters=longest - 10))) == {"limit-characters"}
    assert set(rules(full_space, Limits(array_items=2))) == {"limit-items"}
    part(full_space, "text_instructions")[0]["content"] = ["x" * 25_001]
    assert rules(full_space, Limits(string_characters=30_000)) == []


def test_twenty_different_violations_are_reported_at_once(full_space):
    spoilt = [
        lambda d: d.update(version=3),
        lambda d: d.update(title="Sales"),
        lambda d: d["config"]["sample_questions"][0].pop("question"),
        lambda d: d["config"]["sample_questions"][1].update(id="q-1"),
        lambda d: tables(d)[0].update(description="one string"),
        lambda d: tables(d)[0]["column_configs"].reverse(),
        lambda d: tables(d)[0]["column_configs"][2].update(enable_entity_matching=True),
        lambda d: tables(d)[1].update(identifier="orders"),
        lambda d: tables(d)[1]["column_configs"].append({"column_name": "amount"}),
        lambda d: tables(d)[1]["column_configs"][0].update(exclude="yes"),
        lambda d: d["data_sources"]["metric_views"][0].update(identifier="main.sales.customers"),
        lambda d: part(d, "text_instructions").append({"id": "f" * 32, "content": ["a", "b"]}),
        lambda d: part(d, "example_question_sqls").reverse(),
        lambda d: part(d, "example_question_sqls")[0].update(sql=[""]),
        lambda d: parameters(d)[1].update(name="start"),
        lambda d: part(d, "sql_functions")[1].update(identifier=part(d, "sql_functions")[0]["identifier"]),
        lambda d: join(d).update(sql=["o.x = c.y"]),
        lambda d: part(d, "join_specs")[1]["sql"].__setitem__(0, "o.x = c.x AND o.y = c.y"),
        lambda d: part(d, "join_specs")[1]["sql"].__setitem__(1, "many to one"),
        lambda d: part(d, "sql_snippets")["filters"][0].pop("display_name"),
        lambda d: part(d, "sql_snippets")["filters"][1].update(sql=["WHERE x"]),
        lambda d: questions(d)[0].update(answer=[]),
        lambda d: questions(d)[1]["answer"][0].update(format="TEXT"),
        lambda d: questions(d)[2].update(id=part(d, "text_instructions")[0]["id"]),
    ]
    for spoil in spoilt:
        spoil(full_space)
    found = validate_space(full_space)
    expected = {
        "version", "unknown-field", "required-field", "id-format", "text-array", "order", "entity-matching",
        "identifier-format", "column-unique", "type", "identifier-unique", "limit-text-instructions", "fused-lines",
        "empty-text", "parameter-unique", "function-unique", "join-elements", "join-condition", "join-relationship",
        "filter-where", "benchmark-answer", "answer-format", "id-unique",
    }  # fmt: skip
    assert expected <= {violation.rule for violation in found}
    with pytest.raises(InvalidSpaceError) as refusal:
        require_valid(full_space)
    said = str(refusal.value)
    assert all(violation.message in said for violation in found if violation.severity == "error")


@pytest.mark.parametrize("junk", [None, "x", 1, [], {}, [None], ["x"], [[]], [{}], {"id": 3}, [{"id": [], "sql": [1]}]])
def test_no_structure_whatever_makes_it_fail(full_space, junk):
    paths = [
        (), ("config",), ("data_sources",), ("instructions",), ("benchmarks",), ("config", "sample_questions"),
        ("data_sources", "tables"), ("data_sources", "metric_views"), ("instructions", "text_instructions"),
        ("instructions", "join_specs"), ("instructions", "sql_snippets"), ("instructions", "sql_functions"),
        ("instructions", "example_question_sqls"), ("benchmarks", "questions"),
        ("data_sources", "tables", 0, "column_configs"), ("instructions", "join_specs", 0, "left"),
        ("instructions", "join_specs", 0, "sql"), ("benchmarks", "questions", 0, "answer"),
        ("instructions", "example_question_sqls", 0, "parameters"),
    ]  # fmt: skip
    for path in paths:
        document = copy.deepcopy(full_space)
        if not path:
            assert validate_space(junk)
            continue
        holder = document
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = junk
        assert isinstance(validate_space(document), list)


def test_unknown_fields_are_named_with_the_likely_one(full_space):
    tables(full_space)[0]["descripton"] = ["x"]
    part(full_space, "sql_functions")[0]["full_name"] = "a.b.c"
    full_space["general_instructions"] = "x"
    fixes = {violation.path: violation.fix for violation in validate_space(full_space)}
    assert fixes["$.data_sources.tables[0].descripton"] == "did you mean 'description'?"
    assert fixes["$.instructions.sql_functions[0].full_name"] == "the three-part name stands in identifier"
    assert "text_instructions" in fixes["$.general_instructions"]


def test_hyphenated_ids_come_with_the_corrected_one(full_space):
    part(full_space, "text_instructions")[0]["id"] = "01EF1234-1234-1234-1234-1234567890AB"
    assert validate_space(full_space)[0].fix == "write '01ef1234123412341234" + "1234567890ab'"


@pytest.mark.parametrize(
    "condition",
    [
        "`o`.`a` = `c`.`b`",
        "o.a = c.b",
        "O.a=C.b",
        "cast(o.a AS string) = c.b",
        "o.a = upper(c.`and`)",
        "o.or = c.in",
        "o.payload.id = c.id",
        "concat(o.a, ' AND = ') = c.b",
    ],
)
def test_one_equality_between_both_aliases_is_a_good_join(full_space, condition):
    join(full_space)["sql"][0] = condition
    assert validate_space(full_space) == []


@pytest.mark.parametrize(
    ("lines", "fuses"),
    [
        (["SELECT a\n", "FROM t"], False),
        (["SELECT a ", "FROM t"], False),
        (["SELECT a", " FROM t"], False),
        (["SELECT a,", "b FROM t"], False),
        (["SELECT a", "FROM t"], True),
        (["SELECT '--'", " FROM t"], False),
        (["SELECT 1 -- note", "\nFROM t"], False),
        (["SELECT 1 -- note", " FROM t"], True),
        (["SELECT 'a'", "'b'"], True),
        (["SELECT a", "", "FROM t"], True),
        (["SELECT a <", "= b"], True),
    ],
)
def test_sql_lines_fuse_only_where_a_token_changes(full_space, lines, fuses):
    part(full_space, "example_question_sqls")[0]["sql"] = lines
    assert rules(full_space) == (["fused-lines"] if fuses else [])


def test_a_template_gets_one_finding_for_each_placeholder(full_space):
    document = json.loads(json.dumps(full_space).replace("main.sales.", "${catalog}.{{ schema }}."))
    found = validate_space(document)
    assert [violation.rule for violation in found] == ["template", "template"]
    assert "${catalog} stands in " in found[0].message
    with pytest.raises(TemplateSpaceError, match=r"\$\{catalog\}, \{\{ schema \}\} are not filled in"):
        require_valid(document)


def test_order_is_not_judged_across_different_placeholders(full_space):
    names = ["${b}.x.t2", "${a}.x.t1", "${a}.x.t0"]
    full_space["data_sources"] = {"tables": [{"identifier": name} for name in names]}
    part(full_space, "join_specs").clear()
    found = [violation for violation in validate_space(full_space) if violation.rule == "order"]
    assert [violation.path for violation in found] == ["$.data_sources.tables[2]"]


def test_warnings_alone_pass(full_space):
    questions(full_space).reverse()
    require_valid(full_space)
    assert errors_of(full_space) == []


REAL_FINDINGS = {
    "databricks__cli__full_featured": {"id-format", "order"},
    "robkisk__genie-spaces-api__minimal_space": {"id-format", "fused-lines"},
    "databricks-solutions__vibe-coding-workshop-template__genie_space_export": {"template", "order", "order-cosmetic"},
    "databricks__bundle-examples__nyc_taxi_genie": set(),
}


def test_real_spaces_get_specific_findings(real_space):
    document = read_space_file(real_space).document
    found = validate_space(document)
    if real_space.stem in REAL_FINDINGS:
        assert {violation.rule for violation in found} == REAL_FINDINGS[real_space.stem]
    assert not {violation.rule for violation in found} & {"identifier-format", "unknown-field", "type"}
    mended = {violation.rule for violation in errors_of(normalise_for_write(document))}
    assert mended <= {"template", "id-format"}


def test_findings_come_in_document_order(full_space):
    join(full_space)["sql"] = ["x"]
    full_space["config"]["sample_questions"][1]["id"] = "x"
    tables(full_space)[1]["identifier"] = "orders"
    paths = [violation.path.split(".")[1].split("[")[0] for violation in validate_space(full_space)]
    assert paths == sorted(paths, key=list(full_space).index)


@pytest.mark.parametrize("opening", ["{{", "{%", "${", "{{x"])
def test_a_text_of_opening_braces_alone_is_read_in_no_time(full_space, opening):
    part(full_space, "example_question_sqls")[0]["usage_guidance"] = [opening * 40_000]
    started = time.process_time()
    validate_space(full_space)
    # Read again from every brace on, it would take minutes.
    assert time.process_time() - started < 10


def test_the_innermost_of_nested_placeholders_is_named(full_space):
    part(full_space, "example_question_sqls")[0]["sql"] = ["SELECT {{ {{ name }} {% {% if %}"]
    assert sorted(violation.message.split(" stands")[0] for violation in validate_space(full_space)) == [
        "the placeholder {% if %}",
        "the placeholder {{ name }}",
    ]


def test_messages_name_json_values_and_not_those_of_python(full_space):
    full_space["version"] = True
    full_space["config"]["sample_questions"] = {}
    messages = [violation.message for violation in validate_space(full_space)]
    assert "the export version is true; the server reads 1 and 2" in messages
    assert "sample_questions is an object; an array is needed" in messages
