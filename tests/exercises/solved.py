"""Files with an answer in them: the library's own, or one that a learner might write."""

from diglot.exercises import blank, find, solution
from diglot.exercises.blank import imports
from diglot.exercises.solution import definition


def with_solution(exercise):
    """The learner's file with the library's own body in it."""
    if exercise.language == "C++":
        return solution(exercise).text
    return f"{imports(definition(exercise))}\n\n{solution(exercise).text}"


def with_body(name, body):
    """The blank file with a body in place of the line that is to be replaced."""
    exercise, text = find(name), blank(find(name))
    if exercise.language == "C++":
        return text.replace(f"// TODO: write the body of {exercise.blanks[0]}.", body)
    head, _, _ = text.rpartition("    raise NotImplementedError")
    return head + "".join(f"    {line}\n" for line in body.splitlines())


def with_methods(name, bodies):
    """The blank file of an operation, with bodies of methods."""
    text = blank(find(name))
    for method, body in bodies.items():
        text = text.replace(f'raise NotImplementedError("write the body of {method} here")', body)
    return text
