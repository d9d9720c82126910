"""The one way in for what shoppers send, from television, PC and phone: taken in, analysed, tidied, passed on."""
