"""Definitions in C++ are found by name, whatever braces stand in strings and comments."""

import pytest

from diglot import sources
from diglot.pairs.cpp import AnchorError, definition, definitions, statements

SOURCE = r"""// The file's comment.
#pragma once
#define OPEN(T) \
    struct T {

namespace outer::inner {

namespace {
constexpr int value = make({1, 2});  // "not a {function}"
}

// ---- a heading ----

// What it is: { is no brace here.
// Second line.
template <class T, int N>
struct Box : Base<T> {
    T data[N];

    explicit Box(T first, Index* size = nullptr) : data{first}, size_(g({1})) {
        if (size) *size = 1;
    }
    ~Box() {}

  private:
    // About the member.
    [[gnu::flatten]] T at(Index i) const { return data[i]; }
};

template <>
struct Box<float, 1> {
    void only() {}
};

/* block } comment */
template <class T>
Index Box::count(View<const T, 1> x) noexcept;

int text() {
    const char* a = "}\"{";
    char b = '{', c = '\'';
    auto r = R"x(}) )x";
    return a[0] + b + c + r[0];
}

void twice(int);
void twice(int x) { use(x); }

void overloaded(int) {}
void overloaded(double) {}

void loops(int n) {
    for (int i = 0; i < n; ++i)
        if (i % 2)
            use({i});
        else
            use(i);
    const Thing thing{1,
                      2};
#pragma omp for
    for (int i = 0; i < n; ++i) {
        use(i);
    }
    use(n); use(n);
}

MACRO(float)
MACRO(double)

void last() {}
}  // namespace
"""


def text_of(name):
    found = definition(SOURCE, name)
    return SOURCE[found.start : found.end]


def test_all_definitions_are_found_with_the_types_around_them():
    assert [d.name for d in definitions(SOURCE)] == [
        "Box",
        "Box::Box",
        "Box::Box",
        "Box::at",
        "Box<float,1>",
        "Box<float,1>::only",
        "Box::count",
        "text",
        "twice",
        "twice",
        "overloaded",
        "overloaded",
        "loops",
        "last",
    ]


def test_the_comment_right_above_belongs_to_a_definition_and_a_heading_does_not():
    assert text_of("Box").startswith("// What it is: {")
    assert text_of("Box").endswith("\n};\n")
    assert text_of("Box::at").startswith("    // About the member.\n    [[gnu::flatten]]")
    assert text_of("Box::at").count("\n") == 2
    assert text_of("Box::count").startswith("/* block } comment */\ntemplate")


def test_braces_in_strings_and_characters_are_none():
    assert text_of("text").endswith("return a[0] + b + c + r[0];\n}\n")
    assert text_of("last") == "void last() {}\n"


def test_a_definition_is_preferred_to_its_declaration():
    assert text_of("twice") == "void twice(int x) { use(x); }\n"
    assert not definition(SOURCE, "Box::count").is_body


@pytest.mark.parametrize(("name", "times"), [("overloaded", 2), ("nothing", 0), ("value", 0)])
def test_what_is_not_there_once_is_an_error(name, times):
    with pytest.raises(AnchorError, match=f"'{name}' is defined {times} times, expected once"):
        definition(SOURCE, name)


@pytest.mark.parametrize(
    ("first", "last", "begins", "ends"),
    [
        ("for (int i = 0; i < n; ++i)\n", "", "    for", "            use(i);\n"),
        ("const Thing", "", "    const Thing thing{1,", "                      2};\n"),
        ("#pragma omp", "for (int i = 0; i < n; ++i) {", "#pragma", "        use(i);\n    }\n"),
        ("if (i % 2)", "const Thing", "        if", "2};\n"),
        ("use(n);", "", "    use(n); use(n);\n", "use(n);\n"),
    ],
)
def test_statements_are_whole_lines(first, last, begins, ends):
    start, end = statements(SOURCE, definition(SOURCE, "loops"), first, last or first)
    assert SOURCE[start:end].startswith(begins)
    assert SOURCE[start:end].endswith(ends)


def test_a_beginning_that_is_not_there_once_is_an_error():
    within = definition(SOURCE, "loops")
    with pytest.raises(AnchorError, match="2 lines of 'loops' begin with 'for', expected one"):
        statements(SOURCE, within, "for", "for")
    with pytest.raises(AnchorError, match="0 lines of 'loops' begin with 'while', expected one"):
        statements(SOURCE, within, "while", "while")


@pytest.mark.parametrize("name", [n for n in sources.names() if n.startswith("csrc/kernels/")])
def test_definitions_of_a_kernel_file_are_balanced_and_do_not_overlap(name):
    source = sources.read(name)
    found = definitions(source)
    assert found or name.endswith("_table.h")
    behind = 0
    for each in found:
        text = source[each.start : each.end]
        code = "\n".join(line.partition("//")[0] for line in text.splitlines())
        assert code.count("{") == code.count("}"), each
        assert text.rstrip().endswith(("}", "};", ";")) or "  //" in text, each
        if "::" not in each.name or each.start >= behind:  # a member lies in its type
            assert each.start >= behind, each
            behind = each.end
