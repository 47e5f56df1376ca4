"""Files that people have, or somebody made, and that are not what their names say."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GEOREFERENCE = "<SRS>EPSG:32633</SRS><GeoTransform>500000, 0.5, 0, 5300000, 0, -0.5</GeoTransform>"


def vrt_of(file: Path | str) -> str:
    """A VRT that shows the bytes of any file as pixels."""
    return (
        f'<VRTDataset rasterXSize="64" rasterYSize="4">{GEOREFERENCE}'
        '<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
        f'<SourceFilename relativeToVRT="0">{file}</SourceFilename><ImageOffset>0</ImageOffset>'
        "<PixelOffset>1</PixelOffset><LineOffset>64</LineOffset></VRTRasterBand></VRTDataset>"
    )


def wms_of(host: str) -> str:
    """A description of a tile service."""
    return (
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>http://{host}/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service>'
        "<DataWindow><UpperLeftX>500000</UpperLeftX><UpperLeftY>5300000</UpperLeftY><LowerRightX>500512</LowerRightX>"
        "<LowerRightY>5299488</LowerRightY><SizeX>512</SizeX><SizeY>512</SizeY><TileLevel>0</TileLevel></DataWindow>"
        "<Projection>EPSG:32633</Projection><BandsCount>3</BandsCount></GDAL_WMS>"
    )


def wmts_of(host: str) -> str:
    """A description of a map tile service, whose capabilities a reader asks for at once."""
    return f"<GDAL_WMTS><GetCapabilitiesUrl>http://{host}/capabilities.xml</GetCapabilitiesUrl></GDAL_WMTS>"


def wcs_of(host: str) -> str:
    """A description of a coverage service."""
    return f"<WCS_GDAL><ServiceURL>http://{host}/wcs?</ServiceURL><CoverageName>c</CoverageName></WCS_GDAL>"


def gti_of(file: Path | str) -> str:
    """An index of tiles."""
    return f"<GDALTileIndexDataset><IndexDataset>{file}</IndexDataset></GDALTileIndexDataset>"


def aux_with(metadata: str) -> str:
    """Content of an `.aux.xml`."""
    return f"<PAMDataset>{metadata}</PAMDataset>"


def overviews_at(place: str) -> str:
    """Content of an `.aux.xml` that says where the overviews lie."""
    return aux_with(f'<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{place}</MDI></Metadata>')


def give_odd_tag(file: Path, instead_of: int = 33550) -> None:
    """Replace a tag of a little-endian TIFF's first directory by one that GDAL does not know, of an unknown type."""
    content = bytearray(file.read_bytes())
    (start,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, start)
    for place in range(start + 2, start + 2 + 12 * entries, 12):
        if struct.unpack_from("<H", content, place) == (instead_of,):
            struct.pack_into("<HH", content, place, 33791, 65292)
            file.write_bytes(content)
            return
    raise ValueError(f"{file}: has no tag {instead_of}")


def break_middle(file: Path, count: int = 2000) -> None:
    """Overwrite the middle of a file, where a raster keeps pixels, with zeros."""
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + count] = bytes(count)
    file.write_bytes(content)


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """Give the name of a host on this machine, and what callers have said to it so far."""
    said: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    said.append(caller.recv(4096))
                    caller.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}", said
        finally:
            server.shutdown(socket.SHUT_RDWR)
    thread.join()
