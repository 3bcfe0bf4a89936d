// For enumerations whose names users write. One list, a macro of the form
//   #define DAY33_PADDINGS(X) X(valid) X(same)
// makes the enumerators (with DAY33_ENUMERATOR) and the table of names (with DAY33_ENUMERATOR_NAME); core/names.h turns
// one into the other. An entry may have a trait behind its name, X(sqrt, of_output), for which a list has uses of its
// own.
#pragma once

#define DAY33_ENUMERATOR(name, ...) name,
#define DAY33_ENUMERATOR_NAME(name, ...) #name,
#define DAY33_ENUMERATOR_TRAIT(name, trait) trait,
