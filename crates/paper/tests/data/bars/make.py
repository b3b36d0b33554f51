"""Makes the Parquet fixtures in this folder: python -m venv v; v/bin/pip install pyarrow pandas polars; v/bin/python make.py

Made with pyarrow 26.0.1, pandas 3.1.1 and polars 1. Each file has the bars of AAPL in `expected.csv`, in another dress.
"""

import decimal
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
PRICES = ["open", "high", "low", "close"]

texts = pd.read_csv(HERE / "expected.csv", dtype=str)
frame = texts.assign(timestamp=pd.to_datetime(texts.timestamp, utc=True))
for name in [*PRICES, "vwap"]:
    frame[name] = frame[name].astype(float)
for name in ["volume", "trade_count"]:
    frame[name] = frame[name].astype("int64")

# As alpaca-py gives bars: an index of symbol and timestamp, doubles for everything.
alpaca = frame.assign(symbol="AAPL", volume=frame.volume.astype(float), trade_count=frame.trade_count.astype(float))
alpaca.set_index(["symbol", "timestamp"]).to_parquet(HERE / "pandas.parquet")

# An index of times in New York without a name.
local = frame.set_index(frame.timestamp.dt.tz_convert("America/New_York")).drop(columns="timestamp")
local.index.name = None
local.to_parquet(HERE / "pandas-index.parquet", compression="gzip")

# Polars, with its zstd, microseconds and other names.
short = pl.from_pandas(frame).rename(
    {"timestamp": "t", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v", "trade_count": "n", "vwap": "vw"}
)
short.with_columns(pl.col("t").dt.cast_time_unit("us")).write_parquet(HERE / "polars.parquet")

# Exact decimals and times as texts, in two row groups.
exact = {name: pa.array([decimal.Decimal(text) for text in texts[name]], pa.decimal128(18, 6)) for name in [*PRICES, "vwap"]}
table = pa.table(
    {
        "timestamp": pa.array(texts.timestamp),
        **exact,
        "volume": pa.array([int(text) for text in texts.volume], pa.int32()),
        "trade_count": pa.array([int(text) for text in texts.trade_count], pa.int32()),
    }
)
pq.write_table(table, HERE / "decimals.parquet", row_group_size=3, compression="none")
