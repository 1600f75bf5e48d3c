"""The rules: which standing a case has, whether an office is to be told of it. Rules only, no input or output.

`partition` is the exception that proves it: the one function a DAG calls, which fetches the tables and puts them back.
"""
