"""Scores rows with an MLflow model folder in Spark: score_in_spark.py MODEL ROWS.csv OUT.json, by mlflow.pyfunc.spark_udf."""

import json
import sys

import mlflow.pyfunc
from pyspark.sql import SparkSession
from pyspark.sql.functions import struct

model, rows, out = sys.argv[1:]
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
frame = spark.read.csv(rows, header=True, inferSchema=True)
score = mlflow.pyfunc.spark_udf(spark, model, result_type="double", env_manager="local")
features = [name for name in frame.columns if name != "row"]
scored = frame.withColumn("probability", score(struct(*features))).orderBy("row").collect()
with open(out, "w") as file:
    json.dump([row["probability"] for row in scored], file)
spark.stop()
