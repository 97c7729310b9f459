"""Answer the titles of a Parquet table on Spark.

spark-submit examples/spark_job.py s3://bucket/models/tr@production titles.parquet answers.parquet
"""

import sys

from pyspark.sql import SparkSession

from prodcat.scoring.spark import map_in_pandas, output_schema


def main(model: str, source: str, target: str) -> None:
    """Read the table, add the answers as columns, and write it."""
    spark = SparkSession.builder.appName("prodcat").getOrCreate()
    titles = spark.read.parquet(source)
    answered = titles.mapInPandas(map_in_pandas(model), output_schema(titles.schema))
    answered.write.mode("overwrite").parquet(target)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:4])
