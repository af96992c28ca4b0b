"""What a report is on, where that is not the suite itself."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class About:
    """A profile, or overrides. profile: its name. says: what the suite's author says of it, "" for nothing. differences: from the
    suite itself, one a phrase."""

    profile: str
    says: str = ""
    differences: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """How it is called."""
        return "Overrides" if self.profile == "default" else f"Profile {self.profile}"

    @property
    def sentence(self) -> str:
        """What it is, what it is not, and how it differs."""
        if not self.differences:
            return self.says
        differences = f"{'; '.join(self.differences)}."
        if not self.says:
            return f"not the suite itself. It differs: {differences}"
        return f"{self.says}{'' if self.says.endswith(('.', '!', '?')) else '.'} It differs from the suite itself: {differences}"
