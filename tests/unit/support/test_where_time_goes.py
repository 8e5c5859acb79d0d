from tests.support.suite.where_time_goes import Spent, folder_of


def test_folder_is_three_levels_deep_at_most() -> None:
    assert folder_of("tests/unit/worker/engine/test_slots.py") == "tests/unit/worker"
    assert folder_of("tests/acceptance/test_npd.py") == "tests/acceptance"


def test_tables_have_the_folders_by_name_and_the_files_by_seconds() -> None:
    spent = Spent()
    for when, seconds in (("setup", 1.0), ("call", 2.0), ("teardown", 0.5)):
        spent.add("tests/unit/test_a.py", when, seconds, seconds / 2)
    spent.add("tests/unit/test_b.py", "call", 9.0, 1.0)
    spent.add("tests/acceptance/test_c.py", "call", 5.0, 0.25)

    rows = [line.split() for line in spent.lines() if line]

    assert rows == [
        ["seconds", "processor", "tests", "folder"],
        ["5.0", "0.2", "1", "tests/acceptance"],
        ["12.5", "2.8", "2", "tests/unit"],
        ["17.5", "3.0", "3", "all"],
        ["seconds", "processor", "tests", "file"],
        ["9.0", "1.0", "1", "tests/unit/test_b.py"],
        ["5.0", "0.2", "1", "tests/acceptance/test_c.py"],
        ["3.5", "1.8", "1", "tests/unit/test_a.py"],
    ]
