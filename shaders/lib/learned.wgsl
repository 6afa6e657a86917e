// The learned number that an activation's functions use; where no layer sets it, what it starts with.
var<private> learned: f32 = INIT;
