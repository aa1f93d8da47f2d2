"""Labels by eye: cards of replicas without name or verdict, as a page or as pictures, and the file of labels read.

Cards are drawn at random and numbered. Start reading at `cards.draw`.
"""
