from diglot._native_baseline import *
