// For enumerations whose names users write. One list, a macro of the form
//   #define DAY33_PADDINGS(X) X(valid) X(same)
// makes the enumerators (with DAY33_ENUMERATOR) and the table of names (with DAY33_ENUMERATOR_NAME); core/names.h turns
// one into the other. An entry may have a trait behind its name, as in X(sqrt, of_output), an enumerator of
// Trait (DAY33_ENUMERATOR_TRAIT makes a table of them).
#pragma once

#define DAY33_ENUMERATOR(name, ...) name,
#define DAY33_ENUMERATOR_NAME(name, ...) #name,
#define DAY33_ENUMERATOR_TRAIT(name, trait) Trait::trait,
