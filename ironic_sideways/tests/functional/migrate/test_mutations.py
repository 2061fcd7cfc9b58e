# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""verify notices a mutation of any line of the mapping: some 300 of them."""

import ast
import copy
import itertools
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.migrate import choices, mapping
from ironic_sideways.tests import samples

#: Functions, and the table of interfaces.
MUTABLE = (ast.FunctionDef, ast.AnnAssign)
MUTATED = (mapping, choices)


class Mutator(ast.NodeTransformer):
    """Changes the ``chosen``-th place of the functions of a module."""

    def __init__(self, chosen: int) -> None:
        self.chosen = chosen
        self.seen = -1
        self.done = ""

    def _here(self, node: ast.AST) -> bool:
        self.seen += 1
        if self.seen != self.chosen:
            return False
        self.done = f"line {getattr(node, 'lineno', '?')}: {ast.unparse(node)}"
        return True

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = [
            self.visit(part) if isinstance(part, MUTABLE) else part
            for part in node.body
        ]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.body = [
            part
            if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
            else self.visit(part)
            for part in node.body
        ]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value:
            node.value = self.visit(node.value)
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        for index, key in enumerate(node.keys):
            value = node.values[index]
            if key is None or isinstance(value, ast.Constant):
                continue
            if self._here(value):
                node.values[index] = ast.Constant("mutated")
                return node
        return self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        if self._here(node):
            node.body, node.orelse = node.orelse, node.body
            return node
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        if self._here(node):
            node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
            return node
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if self._here(node):
            return ast.Constant(changed(node.value))
        return node


def changed(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    return value + 7 if isinstance(value, int) else "mutated"


def parsed(module: types.ModuleType) -> ast.Module:
    """The module's source."""
    return ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))


def copied(module: types.ModuleType, tree: ast.Module, **other: Any) -> Any:
    """A copy of ``module`` with the functions and tables of ``tree``."""
    made = types.ModuleType("ironic_sideways.migrate.mutant")
    made.__dict__.update(module.__dict__ | other)
    body: list[ast.stmt] = [part for part in tree.body if isinstance(part, MUTABLE)]
    exec(compile(ast.Module(body, []), "mutant", "exec"), made.__dict__)  # noqa: S102
    return made


def mutants() -> Iterator[tuple[str, Any]]:
    """The mapping with one place of it, or of what it asks, changed; each way."""
    for module in MUTATED:
        tree = parsed(module)
        for number in itertools.count():
            mutator = Mutator(number)
            mutant = ast.fix_missing_locations(mutator.visit(copy.deepcopy(tree)))
            if not mutator.done:
                break
            made = copied(module, mutant)
            if module is choices:
                made = copied(mapping, parsed(mapping), choices=made)
            yield f"{module.__name__} {mutator.done}", made


def notices(module: types.ModuleType) -> bool:
    """Whether any sample shows that ``module`` maps otherwise than declared."""
    for node, options in samples.pairs():
        try:
            mapped = module.map_node(node, node.interfaces, options, samples.STAMP)
            lines = samples.differences(node, mapped, options=options)
        except Exception:
            return True
        if lines:
            return True
    return False


def test_a_copy_without_mutation_is_the_mapping() -> None:
    """Else whatever is wrong with the copies would pass for notice."""
    asked = copied(choices, parsed(choices))
    assert not notices(copied(mapping, parsed(mapping), choices=asked))


def test_verify_notices_a_mutation_of_any_line_of_the_mapping() -> None:
    every = list(mutants())
    assert len(every) > 250
    survivors = [what for what, module in every if not notices(module)]
    assert survivors == []
