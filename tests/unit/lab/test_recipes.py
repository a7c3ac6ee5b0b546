"""The kinds of hosts: what an image is known by."""

from __future__ import annotations

import pytest

from lab import images, recipes
from lab.errors import LabError


def test_every_hook_of_a_recipe_is_there_and_can_run():
    """A recipe that names a script builds with it."""
    for recipe in recipes.RECIPES.values():
        for hook in recipe.hooks:
            assert (images.FILES / "hooks" / hook).stat().st_mode & 0o111


def test_images_of_different_recipes_have_different_names():
    """A host never runs on another recipe's image."""
    references = {images.reference(name) for name in recipes.RECIPES}
    assert len(references) == len(recipes.RECIPES)


def test_images_are_built_in_folders_that_no_other_image_takes_for_its_own():
    """What a killed build left is removed by the next one; debian12's must not remove debian12-cron's."""
    prefixes = [images.scratch_prefix(name) for name in recipes.RECIPES]
    assert not [(a, b) for a in prefixes for b in prefixes if a != b and b.startswith(a)]


def test_changed_hook_makes_another_image(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """An image is built anew when one of its own scripts changes, and no other one's."""
    before = {name: images.reference(name) for name in recipes.RECIPES}
    (tmp_path / "hooks").mkdir()
    for path in images.FILES.rglob("*"):
        if path.is_file():
            (tmp_path / path.relative_to(images.FILES)).write_bytes(path.read_bytes())
    monkeypatch.setattr(images, "FILES", tmp_path)
    assert {name: images.reference(name) for name in recipes.RECIPES} == before
    (tmp_path / "hooks/cron").write_text("exit 0\n")
    changed = {name for name in recipes.RECIPES if images.reference(name) != before[name]}
    assert changed == {"debian12-cron"}


def test_unknown_image_is_refused_with_the_names_that_there_are():
    """A typing error ends before anything is built."""
    with pytest.raises(LabError) as caught:
        recipes.recipe("debian11")
    assert "debian12" in caught.value.hint
