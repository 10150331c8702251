"""What became of everything in an imported or exported schema. Nothing is lost silently."""

from __future__ import annotations

from dataclasses import dataclass, field

HEADINGS = {
    "carried": "Carried over",
    "changed": "Carried over, and different here",
    "hand": "Needs a hand",
    "kept": "Not used here, kept for the way back",
}


@dataclass
class Report:
    """Lines by kind: `carried`, `changed`, `hand`, `kept`; each says what, and why."""

    lines: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in HEADINGS})

    def add(self, kind: str, what: str, why: str = "") -> None:
        line = f"{what}: {why}" if why else what
        if line not in self.lines[kind]:
            self.lines[kind].append(line)

    @property
    def text(self) -> str:
        """For people, in Markdown."""
        parts = []
        for kind, heading in HEADINGS.items():
            if self.lines[kind]:
                parts.append(f"{heading} ({len(self.lines[kind])})\n")
                parts += [f"- {line}" for line in self.lines[kind]]
                parts.append("")
        return "\n".join(parts).rstrip() + "\n"
