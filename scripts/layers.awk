# Prints each include that goes against src/layers. Input: src/layers, then C files by their path from the top.
BEGIN { FS = ":" }

FNR == NR {
  if ($0 !~ /^#/ && NF == 2) {
    known[$1] = 1
    count = split($2, names, " ")
    for (i = 1; i <= count; i++)
      allowed[$1, names[i]] = 1
  }
  next
}

FNR == 1 {
  split(FILENAME, path, "/")
  top = path[1]
  folder = path[2]
  if (top == "src" && !(folder in known))
    print FILENAME ": src/layers does not know the folder " folder
}

/^[ \t]*#[ \t]*include[ \t]*</ {
  name = $0
  sub(/^[^<]*/, "", name)
  sub(/>.*/, ">", name)
  if (name in known && !((name, folder) in allowed))
    print FILENAME ":" FNR ": " folder "/ may not include " name
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
  name = $0
  sub(/^[^"]*"/, "", name)
  sub(/".*/, "", name)
  if (name !~ /\//) {
    print FILENAME ":" FNR ": \"" name "\" is not named from the root of src"
    next
  }
  other = name
  sub(/\/.*/, "", other)
  if (other == folder || (top == "tests" && other == "tests") || !(folder in known))
    next
  if (!((folder, other) in allowed))
    print FILENAME ":" FNR ": " folder "/ may not include " name
}
