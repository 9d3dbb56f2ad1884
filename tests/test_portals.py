import pytest

from crawler.portals import Portal, load_portals, read_portals

HEADER = "id,name,division,level,home_url"


def test_a_row_is_a_portal():
    portals = read_portals([HEADER, "jilin,吉林省人民政府,220000,province,https://www.jl.gov.cn/"])
    assert portals == {
        "jilin": Portal("jilin", "吉林省人民政府", "220000", "province", "https://www.jl.gov.cn/")
    }


def test_columns_come_in_any_order_and_empty_lines_are_none():
    lines = [
        "home_url,level,division,name,id,family",
        "",
        "http://127.0.0.1:80/,county,331224,甲县,a-1,trs",
    ]
    assert read_portals(lines)["a-1"].family == "trs"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("Jilin,吉林,220000,province,https://www.jl.gov.cn/", "line 2: id 'Jilin'"),
        ("a b,吉林,220000,province,https://www.jl.gov.cn/", "line 2: id 'a b'"),
        ("jl,,220000,province,https://www.jl.gov.cn/", "line 2: the name is empty"),
        ("jl,吉林,22000,province,https://www.jl.gov.cn/", "line 2: division '22000'"),
        ("jl,吉林,２２００００,province,https://www.jl.gov.cn/", "line 2: division"),
        ("jl,吉林,220000,state,https://www.jl.gov.cn/", "line 2: level 'state'"),
        ("jl,吉林,220000,province,www.jl.gov.cn", "line 2: home_url 'www.jl.gov.cn'"),
        ("jl,吉林,220000,province,ftp://www.jl.gov.cn/", "line 2: home_url"),
        ("jl,吉林,220000,province", "line 2: 4 values for 5 columns"),
    ],
)
def test_a_wrong_row_is_named_with_its_line_and_value(row, said):
    with pytest.raises(ValueError, match=said):
        read_portals([HEADER, row])


def test_a_repeated_id_is_an_error():
    row = "jl,吉林,220000,province,https://www.jl.gov.cn/"
    with pytest.raises(ValueError, match="line 3: id 'jl' stands twice"):
        read_portals([HEADER, row, row])


@pytest.mark.parametrize(
    ("header", "said"),
    [("id,name", "lacks division, level, home_url"), (HEADER + ",url", "unknown column 'url'")],
)
def test_a_wrong_header_is_line_one(header, said):
    with pytest.raises(ValueError, match=f"line 1: .*{said}"):
        read_portals([header])


def test_the_file_is_named_before_the_line(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes("id,名\n".encode("gb18030"))
    with pytest.raises(ValueError, match=r"mine\.csv: not UTF-8"):
        load_portals(path)


def test_our_registry_is_sound():
    portals = load_portals()
    assert portals["heilongjiang"].division == "230000"
    assert all(portal.note for portal in portals.values())
