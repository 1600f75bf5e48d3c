from tests.fault_table import PAGE, page, rows


def test_the_page_of_faults_is_what_the_tests_say():
    assert len(rows()) > 15
    assert PAGE.read_text(encoding="utf-8") == page(), "make faults writes it anew"
